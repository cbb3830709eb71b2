"""Restores of a table and of a bucket under the role that restores, on the emulator."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from config.environment import StateSettings, load_environment
from config.limits import FACTS
from config.settings import ROOT
from emulator.server import Emulator
from operations import cli
from operations.aws import Aws
from operations.demo.stack_roles import create_roles, role_arn, role_name
from operations.roles.provider_rights import roles_of
from operations.roles.role import Role
from operations.stacks import find_stacks, only
from operations.state.bootstrap import bootstrap

pytestmark = pytest.mark.emulator
STACK = only(find_stacks(ROOT), "suai-cloud-app-dev")
TABLE, BUCKET, OTHER = "suaicloudtable", "quintet-suai-cloud-app-dev", "of-somebody-else"


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    """The account's administrator; commands have the keys of the role. Every table and bucket there is twice."""
    environment = load_environment(STACK.environment)
    assert isinstance(environment.state, StateSettings)
    with Emulator.start(log=tmp_path / "emulator.log", facts=FACTS) as emulator:
        aws = Aws(emulator.environment(account_id=STACK.account_id, region=STACK.region))
        bootstrap(aws, environment)
        create_roles(aws, [STACK])
        for table in (TABLE, OTHER):
            create_table(client(aws, "dynamodb"), table)
        for bucket in (BUCKET, OTHER):
            create_bucket(client(aws, "s3"), bucket)
        write_state(client(aws, "s3"))
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        keys = emulator.keys_of(role_arn(STACK, Role.RESTORE), region=STACK.region)
        where = emulator.environment(account_id=STACK.account_id, region=STACK.region)
        for name, value in (where | keys).items():
            monkeypatch.setenv(name, value)
        yield aws


def client(aws: Aws, service: str) -> Any:
    return aws.client(service, region=STACK.region)


def create_table(dynamodb: Any, name: str) -> None:
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    on = {"PointInTimeRecoveryEnabled": True}
    dynamodb.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=on)
    dynamodb.put_item(TableName=name, Item={"id": {"S": "kept"}})


def create_bucket(s3: Any, name: str) -> None:
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": STACK.region})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for key in ("changed", "deleted"):
        s3.put_object(Bucket=name, Key=key, Body=b"then")


def write_state(s3: Any) -> None:
    """A state in which the stack's table and bucket stand, and others as if they were the stack's."""
    attributes = {
        "aws_dynamodb_table": {"table": {"name": TABLE}, "other": {"name": OTHER}},
        "aws_s3_bucket": {"bucket": {"bucket": BUCKET}, "other": {"bucket": OTHER}},
    }
    resources = [
        {"mode": "managed", "type": kind, "name": role, "instances": [{"attributes": each}]}
        for kind, roles in attributes.items()
        for role, each in roles.items()
    ]
    state = {"version": 4, "terraform_version": "1.11.4", "serial": 1, "lineage": "one", "outputs": {}}
    body = json.dumps({**state, "resources": resources}).encode()
    s3.put_object(Bucket=STACK.state.bucket, Key=STACK.state.key, Body=body)


def test_a_table_and_a_bucket_of_the_stack_are_restored_and_those_of_others_are_not(
    aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    dynamodb, s3 = client(aws, "dynamodb"), client(aws, "s3")
    window = dynamodb.describe_continuous_backups(TableName=TABLE)["ContinuousBackupsDescription"]
    latest = window["PointInTimeRecoveryDescription"]["LatestRestorableDateTime"].astimezone(UTC).isoformat()

    def table(role: str) -> int:
        return cli.run(["restore", "table", STACK.name, f"aws_dynamodb_table.{role}", "--to", latest, "--yes"])

    def bucket(role: str) -> int:
        return cli.run(["restore", "bucket", STACK.name, f"aws_s3_bucket.{role}", "--to", moment, "--yes"])

    assert table("table") == 0, capsys.readouterr().err
    dynamodb.put_item(TableName=TABLE, Item={"id": {"S": "new"}})
    assert table("table") == 0, capsys.readouterr().err
    assert dynamodb.scan(TableName=TABLE)["Items"] == [{"id": {"S": "kept"}}]

    time.sleep(1.1)  # S3 tells whole seconds
    moment = datetime.now(UTC).isoformat()
    time.sleep(1.1)
    s3.put_object(Bucket=BUCKET, Key="changed", Body=b"now")
    s3.delete_object(Bucket=BUCKET, Key="deleted")
    assert bucket("bucket") == 0, capsys.readouterr().err
    assert {key: s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() for key in ("changed", "deleted")} == {
        "changed": b"then",
        "deleted": b"then",
    }

    capsys.readouterr()
    assert table("other") == 1
    assert "is not authorized to perform: dynamodb:DescribeContinuousBackups" in capsys.readouterr().err
    assert bucket("other") == 1
    assert "(AccessDenied)" in capsys.readouterr().err


def test_without_the_right_to_write_the_restored_table_no_table_is_restored(
    aws: Aws, capsys: pytest.CaptureFixture[str]
) -> None:
    deny = {"Effect": "Deny", "Action": "dynamodb:UpdateItem", "Resource": "*"}
    client(aws, "iam").put_role_policy(
        RoleName=role_name(STACK, Role.RESTORE),
        PolicyName="less",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [deny]}),
    )
    window = client(aws, "dynamodb").describe_continuous_backups(TableName=TABLE)["ContinuousBackupsDescription"]
    latest = window["PointInTimeRecoveryDescription"]["LatestRestorableDateTime"].astimezone(UTC).isoformat()
    words = ["restore", "table", STACK.name, "aws_dynamodb_table.table", "--to", latest, "--yes"]
    assert cli.run(words) == 1
    assert "is not authorized to perform: dynamodb:UpdateItem" in capsys.readouterr().err
    assert not any(name.startswith(f"{TABLE}-restored") for name in client(aws, "dynamodb").list_tables()["TableNames"])


def test_every_stack_with_data_in_tables_or_buckets_has_the_role() -> None:
    without = {stack.deployment for stack in find_stacks(ROOT) if Role.RESTORE not in roles_of(stack)}
    assert without == {"canvas-data-2"}
