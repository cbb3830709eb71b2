"""check looks at everything that can be wrong, and says what to do."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deployments.beaver_contest.day2.assets import publish, read_assets
from deployments.beaver_contest.day2.capacity import TAG
from deployments.beaver_contest.day2.contest import Contest
from deployments.beaver_contest.day2.health import ContestFinding, look
from deployments.beaver_contest.day2.keys import AccessKeys
from deployments.beaver_contest.day2.opening import Gate
from tests.deployments.beaver_contest.day2.made import Made, make_table


@pytest.fixture
def applied(contest: Made, tmp_path: Path) -> Contest:
    plain = contest()
    vpc = plain.client("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    group = plain.client("ec2").create_security_group(GroupName="d", Description="d", VpcId=vpc)["GroupId"]
    arn = plain.client("secretsmanager").create_secret(Name="key")["ARN"]
    made = contest(database_security_group=group, key_secret_arn=arn)
    made.client("iam").create_user(UserName=made.outputs.php_user)
    for name in ("team", "sessions"):
        make_table(made.client("dynamodb"), name)
    make_table(made.client("dynamodb"), "team_question", read=5)
    made.client("s3").create_bucket(
        Bucket=made.outputs.static_bucket, CreateBucketConfiguration={"LocationConstraint": made.region}
    )
    beanstalk = made.client("elasticbeanstalk")
    beanstalk.create_application(ApplicationName=made.outputs.application)
    for label in ("one", "two"):
        beanstalk.create_application_version(ApplicationName=made.outputs.application, VersionLabel=label)
    for name in made.outputs.environments.values():
        beanstalk.create_environment(
            ApplicationName=made.outputs.application,
            EnvironmentName=name,
            VersionLabel="one",
        )
    script = tmp_path / "contestInterface" / "common.js"
    script.parent.mkdir(parents=True)
    script.write_text("var contest;")
    for label in ("one", "two"):
        publish(made, read_assets(tmp_path, label), dry_run=False, say=lambda _: None)
    AccessKeys(made, say=lambda _: None).rotate(dry_run=False)
    return made


def wrong(contest: Contest, status: int = 200) -> dict[str, tuple[str, ...]]:
    findings: list[ContestFinding] = look(contest, get=lambda _: status)
    return {finding.what: finding.wrong for finding in findings if finding.wrong}


def test_nothing_is_wrong_with_a_contest_in_order(applied: Contest) -> None:
    assert wrong(applied) == {}
    assert len(look(applied, get=None)) == 7


def test_pages_that_do_not_answer_are_told(applied: Contest) -> None:
    assert wrong(applied, status=0)["https://concours.castor.example.org/"] == ("it answers no answer, not 200",)
    assert "https://coordinateur.castor.example.org/" in wrong(applied, status=503)


def test_different_versions_are_told(applied: Contest) -> None:
    applied.client("elasticbeanstalk").update_environment(EnvironmentName="adminEnv", VersionLabel="two")
    assert wrong(applied) == {"environments": ("the environments run different versions: deploy again",)}


def test_what_commands_left_behind_is_told(applied: Contest) -> None:
    dynamodb = applied.client("dynamodb")
    arn = dynamodb.describe_table(TableName="team_question")["Table"]["TableArn"]
    dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": TAG, "Value": "5"}])
    died = Gate(applied).open("203.0.113.7/32", minutes=5)
    died.__enter__()
    found = wrong(applied)
    assert "left its read capacity raised, from 5" in found["table team_question"][0]
    assert found["database's gate"] == ("it is open to 203.0.113.7/32: quintet beaver open-database --close",)
    died.__exit__(None, None, None)


def test_a_missing_key_and_missing_assets_are_told(applied: Contest) -> None:
    secrets = applied.client("secretsmanager")
    secrets.put_secret_value(SecretId=applied.outputs.key_secret_arn, SecretString=json.dumps({"key": "AKIAGONE"}))
    applied.client("s3").delete_object(Bucket=applied.outputs.static_bucket, Key="assets/one/common.js")
    found = wrong(applied)
    assert found["access key"] == ("the PHP code has no key: quintet beaver rotate-key",)
    assert found["assets one"] == ("assets/one/common.js is not published: quintet beaver publish-assets",)
