"""Resources made by hand, as the SUAI Cloud App's document tells to, are taken over without losing anything."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from config.settings import ROOT
from emulator.server import Emulator
from operations.aws import Aws
from operations.commands.adopt import app
from operations.plans.standing_provider import StandingProviders
from operations.resource_types import holds_data
from operations.review.addresses import read_document
from operations.review.adoption import look_up, section
from operations.stacks import Stack, find_stacks, only
from operations.state.bootstrap import bootstrap
from operations.terraform.run import Run
from tests.operations.terraform_support import make_root, write_stack

REGION = "eu-central-1"
ACCOUNT = "111122223333"
STACK = "suai-cloud-app-dev"
LEFT_OUT = (
    ".venv",
    ".venv-*",
    ".git",
    ".runs",
    ".tools",
    ".cache",
    ".mypy_cache",
    ".hypothesis",
    "tests",
    "docs",
)
SETTINGS = "deployments/suai_cloud_app/environments/dev.toml"


@pytest.fixture(scope="module")
def aws(emulator: Emulator) -> Aws:
    return Aws(emulator.environment(account_id=ACCOUNT, region=REGION))


@pytest.fixture(scope="module")
def by_hand(aws: Aws) -> str:
    """The document's click-path, its name for each thing where it has one; returns a [network] section for its VPC."""

    def client(service: str) -> Any:
        return aws.client(service, region=REGION)

    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.50.0.0/16")["Vpc"]["VpcId"]
    subnets: dict[str, dict[str, str]] = {"public": {}, "private": {}}
    for number, zone in enumerate("abc"):
        for kind, offset in (("public", 0), ("private", 100)):
            block = f"10.50.{number + offset}.0/24"
            made = ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone=f"{REGION}{zone}")
            subnets[kind][f"{REGION}{zone}"] = made["Subnet"]["SubnetId"]
    private = list(subnets["private"].values())

    client("s3").create_bucket(
        Bucket="quintet-suai-cloud-app-dev", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    client("s3").put_object(Bucket="quintet-suai-cloud-app-dev", Key="config.toml", Body=b"precious")
    client("dynamodb").create_table(
        TableName="suaicloudtable",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    client("dynamodb").put_item(TableName="suaicloudtable", Item={"id": {"S": "precious"}})
    trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [trust]})
    client("iam").create_role(RoleName="ec2_iam_role", AssumeRolePolicyDocument=policy)
    client("iam").create_instance_profile(InstanceProfileName="ec2_iam_role")  # the console makes it with the role
    client("iam").add_role_to_instance_profile(InstanceProfileName="ec2_iam_role", RoleName="ec2_iam_role")

    name = f"{STACK}-database"
    client("rds").create_db_subnet_group(
        DBSubnetGroupName=name, DBSubnetGroupDescription="made by hand", SubnetIds=private
    )
    client("rds").create_db_instance(
        DBInstanceIdentifier=name,
        DBName="suai",
        Engine="mysql",
        EngineVersion="8.4",
        DBInstanceClass="db.t3.micro",
        AllocatedStorage=20,
        MasterUsername="admin",
        ManageMasterUserPassword=True,
        DBSubnetGroupName=name,
        BackupRetentionPeriod=0,
        StorageEncrypted=False,
        StorageType="gp3",
    )
    name = f"{STACK}-redis"
    client("elasticache").create_cache_subnet_group(
        CacheSubnetGroupName=name, CacheSubnetGroupDescription="made by hand", SubnetIds=private
    )
    client("elasticache").create_replication_group(
        ReplicationGroupId=name,
        ReplicationGroupDescription="made by hand",
        Engine="redis",
        EngineVersion="7.1",
        CacheNodeType="cache.t4g.micro",
        CacheParameterGroupName="default.redis7.cluster.on",
        CacheSubnetGroupName=name,
        NumNodeGroups=1,
        ReplicasPerNodeGroup=1,
        AutomaticFailoverEnabled=True,
        MultiAZEnabled=True,
        AtRestEncryptionEnabled=True,
        TransitEncryptionEnabled=False,
        Port=6379,
    )
    lines = ["[network]", f'vpc_id = "{vpc}"']
    for kind, by_zone in subnets.items():
        lines += [f"[network.{kind}_subnet_ids]", *(f'"{zone}" = "{id_}"' for zone, id_ in by_zone.items())]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, by_hand: str) -> Path:
    """A clone whose settings say the network that exists."""
    root = tmp_path_factory.mktemp("adoption") / "quintet"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(*LEFT_OUT, ".terraform", "__pycache__"))
    make_root(root)
    text = (root / SETTINGS).read_text()
    before, rest = text.split("[network]\n")
    (root / SETTINGS).write_text(before + by_hand + "\n\n" + rest[rest.index("[application]") :])
    assert synthesise(root) == ""
    return root


def synthesise(root: Path) -> str:
    """Complaints of main.py."""
    environment = {**os.environ, "CDKTF_OUTDIR": str(root / "generated")}
    done = subprocess.run(
        [sys.executable, "main.py"], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    return done.stderr if done.returncode else ""


def stack_of(root: Path) -> Stack:
    return only(find_stacks(root), STACK)


@pytest.mark.terraform(minutes=2)
def test_a_secure_parameter_is_not_proposed_as_its_value_would_stand_in_the_state(
    emulator: Emulator, account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = {name: {"name": f"/{account}/{name}", "type": "String", "value": "x"} for name in ("open", "secret")}
    stack = replace(write_stack(tmp_path, {"aws_ssm_parameter": config}), account_id=account)
    aws = Aws(emulator.environment(account_id=account, region=REGION))
    ssm = aws.client("ssm", region=REGION)
    ssm.put_parameter(Name=f"/{account}/open", Type="String", Value="x")
    ssm.put_parameter(Name=f"/{account}/secret", Type="SecureString", Value="planted-secret")
    monkeypatch.setattr("operations.aws.Aws", lambda: aws)
    monkeypatch.setattr("operations.stacks.only", lambda stacks, name: stack)
    said = CliRunner().invoke(app, ["example"]).output
    assert f'"aws_ssm_parameter.open" = "/{account}/open"' in said
    assert '"aws_ssm_parameter.secret"' not in said
    assert f"# aws_ssm_parameter.secret: /{account}/secret is a SecureString, whose value would stand" in said
    assert "planted-secret" not in said


def test_what_exists_is_found_adopted_and_nothing_that_holds_data_is_changed_for_the_worse(
    repository: Path, aws: Aws, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("config.settings.ROOT", repository)
    monkeypatch.setattr("operations.aws.Aws", lambda: aws)
    proposed = CliRunner().invoke(app, [STACK]).stdout
    assert proposed.startswith("[adopt]\n")
    for adopted in (
        '"aws_s3_bucket.bucket" = "quintet-suai-cloud-app-dev"',
        '"aws_dynamodb_table.table" = "suaicloudtable"',
        '"aws_iam_role.web_role" = "ec2_iam_role"',
        '"aws_iam_instance_profile.web_role_profile" = "ec2_iam_role"',
        '"aws_db_instance.database" = "suai-cloud-app-dev-database"',
        '"aws_elasticache_replication_group.redis" = "suai-cloud-app-dev-redis"',
    ):
        assert adopted in proposed
    settings = repository / SETTINGS
    settings.write_text(f"{settings.read_text()}\n{proposed}")
    assert synthesise(repository) == ""

    from config.environment import load_environment

    bootstrap(aws, load_environment("dev"))
    stack = stack_of(repository)
    with Run("test-adoption", root=repository) as run, StandingProviders(run) as providers:
        environment = emulator.full_environment(account_id=ACCOUNT, region=REGION)
        terraform = run.terraform(stack, environment=environment)
        with providers.attached(terraform, stack):
            plan = terraform.plan()
            shown = terraform.show_json(plan)
            terraform.apply(plan)
            again = terraform.show_json(terraform.plan())
    changes = {change["address"]: change["change"] for change in shown["resource_changes"]}
    imported = {address for address, change in changes.items() if "importing" in change}
    assert imported == {line.split('"')[1] for line in proposed.splitlines()[1:]}
    of_data = {address: changes[address]["actions"] for address in imported if holds_data(address.split(".")[0])}
    assert len(of_data) == 4
    for address, actions in of_data.items():
        assert actions in (["no-op"], ["update"]), f"{address}: {actions}"
    assert not [address for address, change in changes.items() if "delete" in change["actions"]]

    assert {change["change"]["actions"][0] for change in again["resource_changes"]} == {"no-op"}
    s3 = aws.client("s3", region=REGION)
    assert s3.get_object(Bucket="quintet-suai-cloud-app-dev", Key="config.toml")["Body"].read() == b"precious"
    row = aws.client("dynamodb", region=REGION).get_item(TableName="suaicloudtable", Key={"id": {"S": "precious"}})
    assert row["Item"] == {"id": {"S": "precious"}}
    databases = aws.client("rds", region=REGION).describe_db_instances()["DBInstances"]
    assert [database["DBInstanceIdentifier"] for database in databases] == [f"{STACK}-database"]


@pytest.mark.slow
def test_an_unknown_address_and_another_name_are_refused_with_what_is_meant(tmp_path: Path) -> None:
    root = tmp_path / "quintet"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(*LEFT_OUT, ".terraform", "__pycache__"))
    settings = root / SETTINGS
    adoptions = ['"aws_db_instance.databse" = "x"', '"aws_s3_bucket.bucket" = "another"']
    settings.write_text("\n".join([settings.read_text(), "[adopt]", *adoptions]))
    said = synthesise(root)
    assert (
        'adopt."aws_db_instance.databse" = "x": the stack has no such resource; did you mean aws_db_instance.database'
        in said
    )
    assert 'adopt."aws_s3_bucket.bucket" = "another": the stack calls it bucket = "quintet-suai-cloud-app-dev"' in said
    assert "Refused, nothing was written" in said


def make_vpc(aws: Aws, name: str) -> str:
    tags = [{"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": name}]}]
    made = aws.client("ec2", region="us-east-1").create_vpc(CidrBlock="10.9.0.0/16", TagSpecifications=tags)
    return str(made["Vpc"]["VpcId"])


def test_what_aws_gave_an_id_of_its_own_is_found_by_its_name_or_its_tag(
    emulator: Emulator, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack = replace(only(find_stacks(ROOT), "canvas-data-2-dev"), account_id=account)
    aws = Aws(emulator.environment(account_id=account, region=stack.region))
    vpc = make_vpc(aws, "canvas-data-2-dev-network")
    group = aws.client("ec2", region=stack.region).create_security_group(
        GroupName="canvas-data-2-dev-database", Description="by hand", VpcId=vpc
    )["GroupId"]
    topic = aws.client("sns", region=stack.region).create_topic(Name="canvas-data-2-dev-alarms")["TopicArn"]
    ids = {each.address: each.id for each in look_up(aws, stack) if each.id}
    assert ids == {
        "aws_vpc.network": vpc,
        address_of(stack, "aws_security_group", "canvas-data-2-dev-database"): group,
        address_of(stack, "aws_sns_topic", "canvas-data-2-dev-alarms"): topic,
    }

    another = make_vpc(aws, "canvas-data-2-dev-network")
    monkeypatch.setattr("operations.aws.Aws", lambda: aws)
    monkeypatch.setattr("operations.stacks.only", lambda *_: stack)
    said = CliRunner().invoke(app, [stack.name])
    assert f"# aws_vpc.network: {vpc}, {another} are all called canvas-data-2-dev-network" in said.stderr
    assert "aws_vpc" not in said.stdout


def address_of(stack: Stack, kind: str, name: str) -> str:
    resources = read_document(stack.folder)["resource"][kind]
    return next(f"{kind}.{address}" for address, arguments in resources.items() if arguments["name"] == name)


@pytest.mark.parametrize("stack", find_stacks(ROOT), ids=lambda stack: stack.name)
def test_every_kind_of_resource_is_asked_for_and_an_empty_account_has_none(
    stack: Stack, emulator: Emulator, account: str
) -> None:
    aws = Aws(emulator.environment(account_id=account, region=stack.region))
    found = list(look_up(aws, replace(stack, account_id=account)))
    assert found
    assert [each for each in found if each.ids] == []


def test_nothing_is_proposed_where_nothing_exists(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = only(find_stacks(ROOT), "suai-cloud-app-prod")
    empty = Aws(emulator.environment(account_id=stack.account_id, region=REGION))
    found = list(look_up(empty, stack))
    assert found
    assert section(found) == "[adopt]"
    monkeypatch.setattr("operations.aws.Aws", lambda: empty)
    result = CliRunner().invoke(app, [stack.name])
    assert result.stdout == ""
    assert "Nothing of suai-cloud-app-prod exists" in result.output
