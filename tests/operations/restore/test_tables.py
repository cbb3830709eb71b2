"""A table holds again what it held, by way of a second one."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from operations.errors import OperatorError
from operations.restore.moment import moment
from operations.restore.tables import TableRestore

NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def dynamodb() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("dynamodb", "eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
        create(client, "things")
        client.update_continuous_backups(
            TableName="things", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
        )
        yield client


def create(client: Any, name: str) -> None:
    client.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}, {"AttributeName": "r", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "k", "AttributeType": "S"},
            {"AttributeName": "r", "AttributeType": "N"},
        ],
        BillingMode="PAY_PER_REQUEST",
    )


def put(client: Any, number: int, value: str) -> None:
    client.put_item(TableName="things", Item={"k": {"S": "a"}, "r": {"N": str(number)}, "v": {"S": value}})


def values(client: Any, table: str = "things") -> dict[str, str]:
    return {item["r"]["N"]: item["v"]["S"] for item in client.scan(TableName=table)["Items"]}


def asked(client: Any) -> TableRestore:
    return TableRestore(client, "things", NOW, pause=lambda _: None)


def test_items_are_written_back_and_newer_ones_deleted(dynamodb: Any) -> None:
    for number in range(60):
        put(dynamodb, number, "then")
    before = values(dynamodb)
    restore = asked(dynamodb)
    restore.restore()  # of what it is now, as the emulator keeps no history
    for number in range(0, 60, 2):
        put(dynamodb, number, "now")
    dynamodb.delete_item(TableName="things", Key={"k": {"S": "a"}, "r": {"N": "1"}})
    put(dynamodb, 99, "new")

    restore.restore()  # again: it finds what it made
    difference = restore.difference()
    assert (len(difference.write), len(difference.delete)) == (31, 1)
    restore.bring_over(difference)
    assert values(dynamodb) == before == values(dynamodb, restore.restored)
    assert restore.difference().write == restore.difference().delete == ()


def test_what_dynamodb_did_not_take_is_sent_again(dynamodb: Any) -> None:
    for number in range(3):
        put(dynamodb, number, "then")
    restore = asked(dynamodb)
    restore.restore()
    for number in range(3):
        put(dynamodb, number, "now")

    class Busy:
        def __init__(self) -> None:
            self.calls = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(dynamodb, name)

        def batch_write_item(self, RequestItems: Any) -> Any:  # noqa: N803 - boto3's own
            self.calls += 1
            first, *rest = RequestItems["things"]
            dynamodb.batch_write_item(RequestItems={"things": [first]})
            return {"UnprocessedItems": {"things": rest} if rest else {}}

    busy: Any = Busy()
    TableRestore(busy, "things", NOW, pause=lambda _: None).bring_over(restore.difference())
    assert busy.calls == 3
    assert set(values(dynamodb).values()) == {"then"}


def test_a_moment_that_the_backups_do_not_reach_is_refused(dynamodb: Any) -> None:
    long_ago = TableRestore(dynamodb, "things", datetime(2001, 1, 1, tzinfo=UTC))
    with pytest.raises(OperatorError, match="cannot be restored to 2001"):
        long_ago.check()
    dynamodb.update_continuous_backups(
        TableName="things", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": False}
    )
    with pytest.raises(OperatorError, match="no point-in-time recovery"):
        asked(dynamodb).check()


def test_a_restore_that_takes_too_long_says_how_it_is_resumed(dynamodb: Any) -> None:
    create(dynamodb, asked(dynamodb).restored)

    class Creating:
        exceptions = dynamodb.exceptions

        def describe_table(self, **_: Any) -> Any:
            return {"Table": {"TableStatus": "CREATING"}}

    creating: Any = Creating()
    with pytest.raises(OperatorError, match="still CREATING"):
        TableRestore(creating, "things", NOW, timeout_seconds=0, pause=lambda _: None).restore()


@pytest.mark.parametrize("text", ["yesterday", "2026-11-20T09:30:00", ""])
def test_a_time_without_its_zone_is_refused(text: str) -> None:
    with pytest.raises(OperatorError, match="is not a time"):
        moment(text)


def test_the_future_cannot_be_restored() -> None:
    with pytest.raises(OperatorError, match="in the future"):
        moment((datetime.now(UTC) + timedelta(hours=1)).isoformat())
