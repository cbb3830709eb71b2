"""Preflight finds what would make an apply fail, and never takes an unanswered question for fine."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from config.limits import FACTS
from config.settings import ROOT
from emulator.server import Emulator
from operations.aws import Aws
from operations.cli import run
from operations.review.preflight.account import MOST_CALLS, Account
from operations.review.preflight.findings import Preflight, PreflightFinding, Verdict
from operations.review.preflight.place import committed_json
from operations.review.preflight.planned import PlannedDocument
from operations.review.preflight.run import QUESTIONS, preflight
from operations.stacks import FILE, Stack, find_stacks, only

Client = Callable[..., Any]
Look = Callable[..., Preflight]
STACKS = find_stacks(ROOT)
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}],
    }
)

TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"},
        ],
    }
)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """An emulator that knows what AWS offers."""
    with Emulator.start(log=tmp_path_factory.mktemp("emulator") / "emulator.log", facts=FACTS) as running:
        yield running


@pytest.fixture
def operator(emulator: Emulator, account: str) -> Aws:
    return Aws(
        {"AWS_ENDPOINT_URL": emulator.endpoint, "AWS_ACCESS_KEY_ID": account, "AWS_SECRET_ACCESS_KEY": "emulator"}
    )


@pytest.fixture
def look(operator: Aws, account: str, tmp_path: Path) -> Look:
    """`look("suai-cloud-app-dev")` runs preflight; `spoil` changes the document first."""

    def look(name: str, *, spoil: Callable[[dict[str, Any]], None] | None = None, **changes: Any) -> Preflight:
        stack = dataclasses.replace(only(STACKS, name), account_id=account, **changes)
        if spoil is not None:
            document = json.loads((stack.folder / FILE).read_text())
            spoil(document)
            (tmp_path / FILE).write_text(json.dumps(document))
            stack = dataclasses.replace(stack, folder=tmp_path)
        return preflight(operator, stack)

    return look


def about(result: Preflight, subject: str) -> list[PreflightFinding]:
    return [finding for finding in result.findings if finding.subject == subject]


def one(result: Preflight, subject: str) -> PreflightFinding:
    (found,) = about(result, subject)
    return found


@pytest.mark.parametrize("stack", STACKS, ids=[stack.name for stack in STACKS])
def test_every_committed_stack_is_asked_about_with_few_calls_and_all_are_answered(look: Look, stack: Stack) -> None:
    result = look(stack.name)
    assert result.calls <= MOST_CALLS
    assert [finding for finding in result.findings if finding.verdict is Verdict.NOT_CHECKED] == []
    failing = {finding.subject for finding in result.findings if finding.verdict is Verdict.FAILS}
    lacking = {"state bucket", "lock table", "hosted zone", "container image"}
    assert failing <= lacking, "an empty account lacks these alone"


def test_credentials_of_another_account_fail(operator: Aws, account: str) -> None:
    found = one(preflight(operator, only(STACKS, "suai-cloud-app-dev")), "account")
    assert found.verdict is Verdict.FAILS
    assert f"these credentials are for {account}, the stack is for 111122223333" in found.found


def test_a_missing_state_bucket_fails_with_the_command_that_creates_it(look: Look, aws: Client) -> None:
    found = one(look("suai-cloud-app-dev"), "state bucket")
    assert found.verdict is Verdict.FAILS
    assert found.hint == "quintet state bootstrap dev"
    aws("s3").create_bucket(
        Bucket="quintet-dev-terraform-state", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    assert one(look("suai-cloud-app-dev"), "state bucket").verdict is Verdict.FINE


def test_a_bucket_name_that_another_account_has_fails(look: Look, aws: Client) -> None:
    theirs = aws("s3", account_id="100000000999")
    theirs.create_bucket(
        Bucket="quintet-suai-cloud-app-dev", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    try:
        taken = about(look("suai-cloud-app-dev"), "name")
    finally:
        theirs.delete_bucket(Bucket="quintet-suai-cloud-app-dev")
    assert len(taken) == 1
    assert taken[0].verdict is Verdict.FAILS
    assert "aws_s3_bucket.bucket: quintet-suai-cloud-app-dev is taken" in taken[0].found


def test_a_role_of_something_else_fails_and_the_stacks_own_does_not(look: Look, aws: Client) -> None:
    iam = aws("iam")
    iam.create_role(RoleName="ec2_iam_role", AssumeRolePolicyDocument=TRUST)
    assert (
        "ec2_iam_role is taken by something that is not this stack's" in one(look("suai-cloud-app-dev"), "name").found
    )
    own = [{"Key": "Deployment", "Value": "suai-cloud-app"}, {"Key": "Environment", "Value": "dev"}]
    iam.tag_role(RoleName="ec2_iam_role", Tags=own)
    assert about(look("suai-cloud-app-dev"), "name") == []


def test_a_log_group_of_something_else_fails_and_the_stacks_own_does_not(look: Look, aws: Client) -> None:
    name = "/aws/rds/instance/suai-cloud-app-dev-database/error"
    (address,) = [
        address
        for address, body in PlannedDocument(only(STACKS, "suai-cloud-app-dev")).of("aws_cloudwatch_log_group")
        if body["name"] == name
    ]
    logs = aws("logs")
    logs.create_log_group(logGroupName=f"{name}-older")
    assert about(look("suai-cloud-app-dev"), "name") == []
    logs.create_log_group(logGroupName=name)
    assert f"{address}: {name} is taken" in one(look("suai-cloud-app-dev"), "name").found
    logs.tag_log_group(logGroupName=name, tags={"Deployment": "suai-cloud-app", "Environment": "dev"})
    assert about(look("suai-cloud-app-dev"), "name") == []


def test_a_queue_of_something_else_fails(look: Look, aws: Client) -> None:
    def spoil(document: dict[str, Any]) -> None:
        document["resource"]["aws_sqs_queue"] = {"jobs": {"name": "jobs"}}

    assert about(look("suai-cloud-app-dev", spoil=spoil), "name") == []
    aws("sqs").create_queue(QueueName="jobs")
    assert "aws_sqs_queue.jobs: jobs is taken" in one(look("suai-cloud-app-dev", spoil=spoil), "name").found


def test_a_cache_node_type_that_nobody_offers_fails(look: Look) -> None:
    def spoil(document: dict[str, Any]) -> None:
        for body in document["resource"]["aws_elasticache_replication_group"].values():
            body["node_type"] = "cache.q9.huge"

    assert one(look("suai-cloud-app-dev"), "cache node type").verdict is Verdict.FINE
    found = one(look("suai-cloud-app-dev", spoil=spoil), "cache node type")
    assert (found.verdict, found.found) == (Verdict.FAILS, "cache.q9.huge is not offered in eu-central-1")


def test_an_image_that_nobody_has_pushed_fails(look: Look, aws: Client) -> None:
    ecr = aws("ecr", region="us-east-1")
    assert "there is no repository syncstorage" in one(look("sync-storage-dev"), "container image").found
    ecr.create_repository(repositoryName="syncstorage")
    assert "syncstorage has no image 1.8.0" in one(look("sync-storage-dev"), "container image").found
    media = "application/vnd.oci.image.manifest.v1+json"
    manifest = json.dumps({"schemaVersion": 2, "mediaType": media, "layers": [], "config": {}})
    ecr.put_image(repositoryName="syncstorage", imageManifest=manifest, imageTag="1.8.0")
    assert one(look("sync-storage-dev"), "container image").verdict is Verdict.FINE


def test_a_host_name_that_another_distribution_has_fails(look: Look, aws: Client) -> None:
    stack = only(STACKS, "beaver-contest-prod")
    (alias,) = next(body["aliases"] for _, body in PlannedDocument(stack).of("aws_cloudfront_distribution"))
    assert "no other distribution" in one(look(stack.name), "alternate name").found
    origin = {"Id": "o", "DomainName": "o.example.org", "CustomOriginConfig": {
        "HTTPPort": 80, "HTTPSPort": 443, "OriginProtocolPolicy": "https-only"}}  # fmt: skip
    behavior = {"TargetOriginId": "o", "ViewerProtocolPolicy": "https-only", "MinTTL": 0, "ForwardedValues": {
        "QueryString": False, "Cookies": {"Forward": "none"}}}  # fmt: skip
    aws("cloudfront").create_distribution(
        DistributionConfig={
            "CallerReference": "1", "Comment": "", "Enabled": True, "Aliases": {"Quantity": 1, "Items": [alias]},
            "Origins": {"Quantity": 1, "Items": [origin]}, "DefaultCacheBehavior": behavior,
        }
    )  # fmt: skip
    found = one(look(stack.name), "alternate name")
    assert found.verdict is Verdict.FAILS
    assert alias in found.found


def test_a_name_that_is_adopted_is_not_called_taken(look: Look, aws: Client) -> None:
    aws("iam").create_role(RoleName="ec2_iam_role", AssumeRolePolicyDocument=TRUST)
    (address,) = [
        address
        for address, body in PlannedDocument(only(STACKS, "suai-cloud-app-dev")).of("aws_iam_role")
        if body["name"] == "ec2_iam_role"
    ]
    result = look(
        "suai-cloud-app-dev",
        spoil=lambda document: document.update({"import": [{"to": address, "id": "ec2_iam_role"}]}),
    )
    assert about(result, "name") == []


def test_a_secret_that_waits_for_its_deletion_keeps_its_name(look: Look, aws: Client) -> None:
    secrets = aws("secretsmanager", region="eu-west-3")
    secrets.create_secret(Name="beaver-contest-dev-key", SecretString="x")
    secrets.delete_secret(SecretId="beaver-contest-dev-key", RecoveryWindowInDays=30)
    found = one(look("beaver-contest-dev"), "name")
    assert "beaver-contest-dev-key is a secret that AWS deletes on " in found.found
    assert "restore-secret" in found.hint


def test_addresses_beyond_the_quota_fail_with_the_request_for_more(look: Look, aws: Client) -> None:
    ec2 = aws("ec2")
    for _ in range(5):
        ec2.allocate_address(Domain="vpc")
    (found,) = [finding for finding in about(look("suai-cloud-app-dev"), "quota") if "Elastic" in finding.found]
    assert found.verdict is Verdict.FAILS
    assert found.found == "Elastic IP addresses: 1 wanted, 5 used by others, 5 allowed"
    assert found.hint.endswith("--quota-code L-0263D0A3 --desired-value 6")


def test_addresses_of_the_stack_itself_do_not_count_as_used(look: Look, aws: Client) -> None:
    tags = [{"Key": "Deployment", "Value": "suai-cloud-app"}, {"Key": "Environment", "Value": "dev"}]
    for _ in range(5):
        aws("ec2").allocate_address(Domain="vpc", TagSpecifications=[{"ResourceType": "elastic-ip", "Tags": tags}])
    (found,) = [finding for finding in about(look("suai-cloud-app-dev"), "quota") if "Elastic" in finding.found]
    assert found.found == "Elastic IP addresses: 1 wanted, 0 used by others, 5 allowed"


def test_a_platform_version_that_is_superseded_fails_with_the_command_that_writes_the_newest(look: Look) -> None:
    def spoil(document: dict[str, Any]) -> None:
        for body in document["resource"]["aws_elastic_beanstalk_environment"].values():
            body["solution_stack_name"] = "64bit Amazon Linux 2023 v4.1.0 running PHP 8.4"

    found = one(look("beaver-contest-dev", spoil=spoil), "platform")
    assert found.verdict is Verdict.FAILS
    assert "the branch has 64bit Amazon Linux 2023 v4.13.7 running PHP 8.4" in found.found
    assert found.hint == "quintet beaver platforms --write"


def test_an_engine_series_nobody_can_create_fails_with_those_that_can(look: Look) -> None:
    def spoil(document: dict[str, Any]) -> None:
        document["resource"]["aws_db_instance"]["database"]["engine_version"] = "5.6"

    found = one(look("suai-cloud-app-dev", spoil=spoil), "engine")
    assert found.verdict is Verdict.FAILS
    assert "mysql 5.6 cannot be created in eu-central-1; there are " in found.found


@pytest.mark.parametrize(
    ("family", "name", "reason"),
    [
        ("mysql8.0", "default_authentication_plugin", "mysql8.0: nobody may set default_authentication_plugin"),
        ("mysql8.4", "default_authentication_plugin", "mysql8.4 has no default_authentication_plugin"),
    ],
)
def test_a_parameter_that_cannot_be_set_fails(look: Look, family: str, name: str, reason: str) -> None:
    def spoil(document: dict[str, Any]) -> None:
        (group,) = document["resource"]["aws_db_parameter_group"].values()
        group["family"] = family
        group["parameter"].append({"name": name, "value": "x"})

    found = [
        finding.found
        for finding in about(look("suai-cloud-app-dev", spoil=spoil), "parameters")
        if finding.verdict is Verdict.FAILS
    ]
    assert found == [reason]


def test_an_instance_type_that_a_zone_lacks_fails(look: Look) -> None:
    def spoil(document: dict[str, Any]) -> None:
        for body in document["resource"]["aws_launch_template"].values():
            body["instance_type"] = "t9.giant"

    result = look("suai-cloud-app-dev", spoil=spoil)
    assert (
        "t9.giant is not offered in eu-central-1a, eu-central-1b, eu-central-1c" in one(result, "instance type").found
    )


def test_a_record_outside_its_hosted_zone_fails(look: Look, aws: Client) -> None:
    route53 = aws("route53")
    zone = route53.create_hosted_zone(Name="other.example.net", CallerReference="1")["HostedZone"]["Id"].split("/")[-1]

    def spoil(document: dict[str, Any]) -> None:
        for body in document["resource"]["aws_route53_record"].values():
            body["zone_id"] = zone

    found = one(look("beaver-contest-dev", spoil=spoil), "hosted zone")
    assert found.verdict is Verdict.FAILS
    assert f"{zone} is other.example.net; " in found.found
    assert "lie outside it" in found.found


def test_ses_in_its_sandbox_is_a_warning_where_the_stack_sends_mail(look: Look) -> None:
    found = one(look("aquamark-dev"), "mail")
    assert found.verdict is Verdict.WARNING
    assert "sandbox" in found.found
    assert about(look("suai-cloud-app-dev"), "mail") == []


def test_a_stale_stack_is_a_warning() -> None:
    planned = PlannedDocument(only(STACKS, "suai-cloud-app-dev"))
    account = Account(Refusing("none"), region="eu-central-1")  # type: ignore[arg-type]
    (found,) = committed_json(["suai-cloud-app-dev"])(account, planned)
    assert (found.verdict, found.hint) == (Verdict.WARNING, "make synth")
    (found,) = committed_json(["suai-cloud-app-prod"])(account, planned)
    assert found.verdict is Verdict.FINE


class Refusing:
    """An AWS that refuses every call with one code."""

    class meta:  # noqa: N801 - as botocore's clients have it
        class service_model:  # noqa: N801
            signing_name = "rds"

    def __init__(self, code: str) -> None:
        self.code = code

    def client(self, service: str, *, region: str) -> Any:
        return self

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        name = "".join(word.capitalize() for word in operation.split("_"))

        def refuse(**_: Any) -> Any:
            raise ClientError({"Error": {"Code": self.code, "Message": "no"}}, name)

        return refuse


@pytest.mark.parametrize("code", ["AccessDenied", "UnauthorizedOperation", "Throttling"])
def test_what_aws_does_not_answer_is_never_fine(code: str) -> None:
    result = preflight(Refusing(code), only(STACKS, "beaver-contest-prod"))  # type: ignore[arg-type]
    assert result.count(Verdict.FINE) == 0
    assert result.count(Verdict.NOT_CHECKED) >= 12


def test_a_refused_call_names_the_permission() -> None:
    result = preflight(Refusing("AccessDenied"), only(STACKS, "suai-cloud-app-dev"))  # type: ignore[arg-type]
    assert "these credentials lack rds:DescribeDbEngineVersions" in one(result, "databases").found


def test_calls_beyond_the_budget_are_not_made_and_say_so() -> None:
    account = Account(Refusing("Throttling"), region="eu-central-1")  # type: ignore[arg-type]
    for _ in range(MOST_CALLS):
        with pytest.raises(ClientError):
            account.ask("ec2", "describe_vpcs")
    with pytest.raises(Exception, match="the 60 calls of a stack are used up"):
        account.ask("ec2", "describe_vpcs")
    assert account.calls == MOST_CALLS


def test_every_question_has_a_name_of_its_own() -> None:
    assert len({question.__name__ for question in QUESTIONS}) == len(QUESTIONS)


def test_the_command_prints_a_table_and_ends_with_1_when_an_apply_would_fail(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", emulator.endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "100000000777")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "emulator")
    assert run(["preflight", "suai-cloud-app-dev"]) == 1
    printed = capsys.readouterr().out
    assert "suai-cloud-app-dev in eu-central-1:" in printed
    assert "fails" in printed
    assert run(["preflight", "suai-cloud-app-dev", "--json"]) == 1
    findings = json.loads(capsys.readouterr().out)["findings"]
    assert {"stack", "verdict", "subject", "found", "hint"} == set(findings[0])
    assert "quintet state bootstrap dev" in [finding["hint"] for finding in findings]
