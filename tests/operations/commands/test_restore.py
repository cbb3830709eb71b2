"""`quintet restore`: what it lists, asks and does, on the emulator."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from typer.testing import CliRunner

from operations.commands import restore
from operations.errors import OperatorError
from operations.stacks import Stack
from operations.state import one_operator

STACK = Stack("x-dev", "x", "dev", Path(), "eu-central-1", "123456789012", None)


@pytest.fixture
def account_of_the_stack(aws: Callable[..., Any], account: str, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    reached = SimpleNamespace(client=lambda service, region: aws(service, region=region))
    names = {"bucket": f"restored-{account}", "name": "restored"}
    monkeypatch.setattr(restore, "_resource", lambda *_: (reached, STACK, names))
    return aws


@pytest.fixture
def bucket(account_of_the_stack: Callable[..., Any], account: str) -> tuple[Any, str, str]:
    """A client, a bucket in which three objects changed, and the moment before that."""
    s3, name = account_of_the_stack("s3"), f"restored-{account}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    s3.put_bucket_versioning(Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    for key in ("in/changed", "in/deleted", "out/changed"):
        s3.put_object(Bucket=name, Key=key, Body=b"then")
    time.sleep(1.1)  # S3 tells whole seconds
    moment = datetime.now(UTC).isoformat()
    time.sleep(1.1)
    for key in ("in/changed", "in/new", "out/changed"):
        s3.put_object(Bucket=name, Key=key, Body=b"now")
    s3.delete_object(Bucket=name, Key="in/deleted")
    return s3, name, moment


def contents(s3: Any, name: str) -> dict[str, str]:
    listed = s3.list_objects_v2(Bucket=name)["Contents"]
    return {e["Key"]: s3.get_object(Bucket=name, Key=e["Key"])["Body"].read().decode() for e in listed}


def test_a_dry_run_counts_what_a_bucket_would_get_back_and_changes_nothing(bucket: tuple[Any, str, str]) -> None:
    s3, name, moment = bucket
    before = contents(s3, name)
    done = CliRunner().invoke(
        restore.app, ["bucket", "x-dev", "address", "--to", moment, "--prefix", "in/", "--dry-run"]
    )
    assert done.exit_code == 0, done.output
    assert "1 objects would be copied from an earlier version, 1 deleted ones come back, 1 newer ones" in done.output
    assert "undelete in/deleted" in done.output
    assert contents(s3, name) == before


@pytest.mark.parametrize(("answer", "code"), [("n\n", 1), ("y\n", 0)])
def test_a_bucket_is_restored_below_a_prefix_when_that_is_confirmed(
    bucket: tuple[Any, str, str], answer: str, code: int
) -> None:
    s3, name, moment = bucket
    before = contents(s3, name)
    words = ["bucket", "x-dev", "address", "--to", moment, "--prefix", "in/"]
    assert CliRunner().invoke(restore.app, words, input=answer).exit_code == code
    wanted = {"in/changed": "then", "in/deleted": "then", "out/changed": "now"}
    assert contents(s3, name) == (before if code else wanted)


def test_a_table_is_restored_when_that_is_confirmed_and_the_second_one_stays(
    account_of_the_stack: Callable[..., Any],
) -> None:
    dynamodb = account_of_the_stack("dynamodb")
    dynamodb.create_table(
        TableName="restored",
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName="restored", Item={"k": {"S": "kept"}})
    on = {"PointInTimeRecoveryEnabled": True}
    dynamodb.update_continuous_backups(TableName="restored", PointInTimeRecoverySpecification=on)
    window = dynamodb.describe_continuous_backups(TableName="restored")["ContinuousBackupsDescription"]
    moment = window["PointInTimeRecoveryDescription"]["LatestRestorableDateTime"].astimezone(UTC).isoformat()
    words = ["table", "x-dev", "address", "--to", moment]

    done = CliRunner().invoke(restore.app, [*words, "--dry-run"])
    assert done.exit_code == 0, done.output
    assert dynamodb.list_tables()["TableNames"] == ["restored"]
    assert CliRunner().invoke(restore.app, [*words, "--yes"]).exit_code == 0  # the emulator keeps no history
    dynamodb.put_item(TableName="restored", Item={"k": {"S": "new"}})
    assert CliRunner().invoke(restore.app, words, input="n\n").exit_code == 1
    assert dynamodb.scan(TableName="restored")["Count"] == 2
    done = CliRunner().invoke(restore.app, words, input="y\n")
    assert done.exit_code == 0, done.output
    assert "0 items would be written, 1 newer ones be deleted" in done.output
    assert dynamodb.scan(TableName="restored")["Items"] == [{"k": {"S": "kept"}}]
    (second,) = set(dynamodb.list_tables()["TableNames"]) - {"restored"}
    assert f"delete-table --region eu-central-1 --table-name {second}" in done.output


@pytest.mark.parametrize("kind", ["bucket", "table"])
@pytest.mark.usefixtures("account_of_the_stack")
def test_a_restore_is_one_operators_at_a_time(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def held(aws: object, stack: Stack, operation: str, *, dry_run: bool) -> NoReturn:
        raise OperatorError(f"somebody else runs {operation} of {stack.name}, dry run {dry_run}")

    monkeypatch.setattr(one_operator, "one_operator", held)
    done = CliRunner().invoke(restore.app, [kind, "x-dev", "address", "--to", "2026-11-20T09:30:00+01:00"])
    assert str(done.exception) == "somebody else runs restore of x-dev, dry run False"
