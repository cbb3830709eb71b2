from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws
from typer.testing import CliRunner

from operations.commands.state import app
from operations.errors import OperatorError
from operations.state.locks import Lock, age_text
from tests.operations.terraform_support import ENVIRONMENT, QUICK, REGION, write_stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from operations.stacks import Stack

MOTO_ACCOUNT = "123456789012"
HERE = ENVIRONMENT.model_copy(update={"account_id": MOTO_ACCOUNT})
INFO = {
    "ID": "6f1c9a52-0000-0000-0000-000000000000",
    "Operation": "OperationTypeApply",
    "Who": "ann@laptop",
    "Created": "2026-01-01T10:00:00.123456789Z",
}


@pytest.fixture(autouse=True)
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setattr("config.environment.load_environment", lambda name: HERE.model_copy(update={"name": name}))
    monkeypatch.setattr("config.environment.environment_names", lambda: ["test"])
    monkeypatch.setattr("config.settings.ROOT", tmp_path)
    with mock_aws():
        yield write_stack(tmp_path, QUICK, environment=HERE)


def say(*arguments: str, typed: str = "") -> str:
    result = CliRunner().invoke(app, arguments, input=typed)
    if isinstance(result.exception, OperatorError):
        raise result.exception
    return re.sub(r" +", " ", result.output)


def bootstrapped() -> Any:
    """An S3 client for the bucket, which has lost its policy: moto alone does not understand its conditions."""
    say("bootstrap", "test")
    s3 = boto3.client("s3", region_name=REGION)
    s3.delete_bucket_policy(Bucket=HERE.state.bucket)
    return s3


def lock(stack: Stack) -> None:
    item = {"LockID": {"S": stack.state.lock_id}, "Info": {"S": json.dumps(INFO)}}
    boto3.client("dynamodb", region_name=REGION).put_item(TableName=str(stack.state.lock_table), Item=item)


def test_bootstrap_says_what_it_did_and_then_that_nothing_is_left() -> None:
    assert "13 of 13 items would change." in say("bootstrap", "test", "--dry-run")
    assert re.search(r"1\d of 13 items changed\.", say("bootstrap", "test"))  # AWS encrypts new buckets by itself
    assert "Everything is as wanted." in say("bootstrap", "test")


def test_status_says_what_is_missing_and_how_to_make_it() -> None:
    said = say("status", "test")
    assert said.count("missing: quintet state bootstrap test") == 2
    assert "no bucket" in said
    assert "never applied" not in said


def test_status_shows_state_lock_holder_and_strays(stack: Stack) -> None:
    s3 = bootstrapped()
    topics = {
        "mode": "managed",
        "type": "aws_sns_topic",
        "name": "a",
        "instances": [{"index_key": 0}, {"index_key": 1}],
    }
    state = {"lineage": "l", "serial": 7, "resources": [topics, {"mode": "data", "instances": [{}]}]}
    for key in (stack.state.key, "forgotten/terraform.tfstate"):
        s3.put_object(Bucket=stack.state.bucket, Key=key, Body=json.dumps(state))
    lock(stack)
    said = say("status")
    assert f"example-test 7 2 {len(json.dumps(state))} " in said
    assert re.search(r"ann@laptop, apply, for \d+ days", said)
    assert "forgotten/terraform.tfstate: a state that belongs to no committed stack" in said


def test_a_state_that_differs_from_its_digest_is_pointed_out(stack: Stack) -> None:
    state = b'{"lineage": "l", "serial": 1}'
    bootstrapped().put_object(Bucket=stack.state.bucket, Key=stack.state.key, Body=state)
    item = {"LockID": {"S": f"{stack.state.lock_id}-md5"}, "Digest": {"S": "0" * 32}}
    boto3.client("dynamodb", region_name=REGION).put_item(TableName=str(stack.state.lock_table), Item=item)
    assert "differs from the digest in the lock table" in say("status", "test")


def test_status_of_all_environments_passes_over_those_of_other_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.environment.load_environment", lambda _: ENVIRONMENT)
    assert f"account {ENVIRONMENT.account_id}; these credentials are for {MOTO_ACCOUNT}" in say("status")
    with pytest.raises(OperatorError, match=f"not for {ENVIRONMENT.account_id}"):
        say("status", "test")


def test_unlock_says_when_there_is_no_lock() -> None:
    say("bootstrap", "test")
    assert "example-test is not locked." in say("unlock", "example-test")


def test_unlock_shows_the_holder_and_leaves_the_lock_when_the_answer_is_no(stack: Stack) -> None:
    say("bootstrap", "test")
    lock(stack)
    said = say("unlock", "example-test", typed="n\n")
    assert re.search(r"locked: ann@laptop, apply, for \d+ days \(lock 6f1c9a52", said)
    assert "The lock stays." in said
    assert "is locked" in say("unlock", "example-test", "--dry-run")


def test_unlock_of_an_unknown_stack_names_the_nearest() -> None:
    with pytest.raises(OperatorError, match="Did you mean example-test"):
        say("unlock", "exmple-test")


def test_a_lock_is_read_from_a_message_of_terraform() -> None:
    message = """Error message: operation error DynamoDB: PutItem
Lock Info:
  ID:        ffa08653-a1a2-448d-3143-3aeb34a676c6
  Path:      bucket/a.tfstate
  Operation: OperationTypeApply
  Who:       root@vm
  Version:   1.11.4
  Created:   2026-11-21 01:41:03.399334622 +0000 UTC
  Info:      

Terraform acquires a state lock to protect the state from being written"""  # noqa: W291
    found = Lock.from_message(message)
    assert found == Lock(
        "ffa08653-a1a2-448d-3143-3aeb34a676c6", "root@vm", "apply", datetime(2026, 11, 21, 1, 41, 3, tzinfo=UTC)
    )
    assert found.describe(datetime(2026, 11, 21, 1, 45, 3, tzinfo=UTC)) == "root@vm, apply, for 4 min"
    assert Lock.from_message("Error: no such bucket") is None


def test_a_lock_whose_text_cannot_be_read_is_still_a_lock() -> None:
    assert Lock.from_json("gone").describe() == "unknown, unknown, since an unknown time"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0 s"), (59, "59 s"), (60, "1 min"), (7200, "2 h"), (90000, "25 h"), (172800, "2 days")]
)
def test_ages_are_told_in_their_largest_unit(seconds: int, text: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert age_text(now - timedelta(seconds=seconds), now) == text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "0 bytes"),
        ("<html>a proxy said this</html>", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("[]", "not a state"),
        ('{"lineage": "l", "serial": 1, "resources": [{"mode": "managed", "instances": [{}]}]}', "not a state"),
    ],
    ids=["empty", "HTML", "deep", "a list", "half a resource"],
)
def test_a_state_that_cannot_be_read_costs_its_own_row_only(stack: Stack, content: str, reason: str) -> None:
    bootstrapped().put_object(Bucket=stack.state.bucket, Key=stack.state.key, Body=content)
    said = say("status", "test")
    assert re.search(rf"^ ?example-test 0 0 {len(content)} .*{reason}", said, re.MULTILINE)
    assert "quintet state versions example-test" in said


def test_a_digest_whose_state_is_gone_is_named_and_removed_on_demand(stack: Stack) -> None:
    bootstrapped()
    dynamodb = boto3.client("dynamodb", region_name=REGION)
    key = {"LockID": {"S": f"{stack.state.lock_id}-md5"}}
    dynamodb.put_item(TableName=str(stack.state.lock_table), Item={**key, "Digest": {"S": "0" * 32}})
    assert "quintet state digest example-test" in say("status", "test")
    assert "creates everything" in say("digest", "example-test", typed="n\n")
    assert "Item" in dynamodb.get_item(TableName=str(stack.state.lock_table), Key=key)
    assert "Done." in say("digest", "example-test", "--yes")
    assert "Item" not in dynamodb.get_item(TableName=str(stack.state.lock_table), Key=key)
    assert "never applied" in say("status", "test")


def test_a_digest_that_does_not_fit_becomes_that_of_the_state_unless_that_is_of_no_use(stack: Stack) -> None:
    s3 = bootstrapped()
    place = {"Bucket": stack.state.bucket, "Key": stack.state.key}
    item = {"LockID": {"S": f"{stack.state.lock_id}-md5"}, "Digest": {"S": "0" * 32}}
    boto3.client("dynamodb", region_name=REGION).put_item(TableName=str(stack.state.lock_table), Item=item)
    s3.put_object(**place, Body=b"")
    with pytest.raises(OperatorError, match="0 bytes"):
        say("digest", "example-test", "--yes")
    s3.put_object(**place, Body=b'{"lineage": "l", "serial": 1}')
    assert "Done." in say("digest", "example-test", "--yes")
    assert "fits its state" in say("digest", "example-test")
    assert "differs" not in say("status", "test")


@pytest.mark.parametrize("info", [None, "{", '{"ID": ""}'])
def test_a_lock_that_terraform_could_not_break_is_broken(stack: Stack, info: str | None) -> None:
    bootstrapped()
    item: dict[str, Any] = {"LockID": {"S": stack.state.lock_id}}
    dynamodb = boto3.client("dynamodb", region_name=REGION)
    dynamodb.put_item(TableName=str(stack.state.lock_table), Item=item | ({"Info": {"S": info}} if info else {}))
    assert "lock without id" in say("unlock", "example-test", "--dry-run")
    assert "is unlocked" in say("unlock", "example-test", "--yes")
    assert "Item" not in dynamodb.get_item(TableName=str(stack.state.lock_table), Key=item)


def test_a_lock_that_somebody_else_has_taken_meanwhile_stays(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    bootstrapped()
    lock(stack)
    seen = Lock("older", "ann@laptop", "apply", None)
    with monkeypatch.context() as patch:
        patch.setattr("operations.state.status.locks_of", lambda *_: (seen,))
        with pytest.raises(OperatorError, match="somebody else by now"):
            say("unlock", "example-test", "--yes")
    assert "is locked" in say("unlock", "example-test", "--dry-run")


def test_markup_and_control_characters_of_others_are_shown_as_text(stack: Stack) -> None:
    s3 = bootstrapped()
    s3.put_object(Bucket=stack.state.bucket, Key="old[/prod]/terraform.tfstate", Body=b"{}")
    item = {
        "LockID": {"S": stack.state.lock_id},
        "Info": {"S": json.dumps({**INFO, "Who": "[link=http://x]a[/x]\x1b[2J"})},
    }
    boto3.client("dynamodb", region_name=REGION).put_item(TableName=str(stack.state.lock_table), Item=item)
    said = say("status", "test")
    assert "old[/prod]/terraform.tfstate" in said
    assert "[link=http://x]a[/x]" in said
    assert "\x1b[2J" not in said
