"""Restore of a DynamoDB table to a moment, by way of a second table that its backup is restored into."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from operations.errors import OperatorError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

POLL_SECONDS = 10.0
_BATCH = 25

Item = dict[str, Any]


@dataclass(frozen=True)
class TableDifference:
    """How a table differs from the restored one: items to write, and keys of items to delete."""

    write: tuple[Item, ...]
    delete: tuple[Item, ...]


@dataclass(frozen=True)
class TableRestore:
    """`table` as it was at `moment`. DynamoDB cannot rename: a second table is restored, and its items brought over."""

    dynamodb: DynamoDBClient
    table: str
    moment: datetime
    timeout_seconds: float = 4 * 3600
    pause: Callable[[float], None] = time.sleep

    @property
    def restored(self) -> str:
        """The name of the second table, by which a run that was interrupted is resumed."""
        return f"{self.table}-restored-{self.moment:%Y%m%d-%H%M%S}"

    def check(self) -> None:
        """Raises OperatorError unless the table's backups reach that far."""
        found = self.dynamodb.describe_continuous_backups(TableName=self.table)["ContinuousBackupsDescription"]
        window = found.get("PointInTimeRecoveryDescription", {})
        if window.get("PointInTimeRecoveryStatus") != "ENABLED":
            raise OperatorError(f"{self.table} has no point-in-time recovery; there is nothing to restore from.")
        earliest, latest = window.get("EarliestRestorableDateTime"), window.get("LatestRestorableDateTime")
        if (earliest and self.moment < earliest) or (latest and self.moment > latest):
            reach = f"from {earliest or 'the first one'} to {latest or 'now'}"
            raise OperatorError(f"{self.table} cannot be restored to {self.moment}: its backups reach {reach}.")

    def restore(self) -> None:
        """Restore the second table and wait for it; one that an earlier run began is waited for.

        Raises OperatorError when that takes too long.
        """
        if self._status() is None:
            self.dynamodb.restore_table_to_point_in_time(
                SourceTableName=self.table,
                TargetTableName=self.restored,
                RestoreDateTime=self.moment,
                BillingModeOverride="PAY_PER_REQUEST",  # it is read once, and as fast as it goes
            )
        give_up = time.monotonic() + self.timeout_seconds
        while (status := self._status()) != "ACTIVE":
            if time.monotonic() > give_up:
                raise OperatorError(f"{self.restored} is still {status}.", hint="Run the same command again.")
            self.pause(POLL_SECONDS)

    def difference(self) -> TableDifference:
        """Changes that give the table the items of the restored one."""
        keys = [
            key["AttributeName"] for key in self.dynamodb.describe_table(TableName=self.table)["Table"]["KeySchema"]
        ]
        then = {_key(item, keys): item for item in self._items(self.restored)}
        now = {_key(item, keys): item for item in self._items(self.table)}
        return TableDifference(
            write=tuple(item for key, item in then.items() if now.get(key) != item),
            delete=tuple({name: item[name] for name in keys} for key, item in now.items() if key not in then),
        )

    def bring_over(self, difference: TableDifference) -> None:
        """Write and delete the items of `difference` in the table. Safe to interrupt: run it again to resume."""
        requests: list[dict[str, Any]] = [{"PutRequest": {"Item": item}} for item in difference.write]
        requests += [{"DeleteRequest": {"Key": key}} for key in difference.delete]
        for start in range(0, len(requests), _BATCH):
            left: Mapping[str, Any] = {self.table: requests[start : start + _BATCH]}
            while left:
                left = self.dynamodb.batch_write_item(RequestItems=left).get("UnprocessedItems", {})
                if left:
                    self.pause(1.0)

    def _items(self, table: str) -> Iterator[Item]:
        for page in self.dynamodb.get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
            yield from page["Items"]

    def _status(self) -> str | None:
        try:
            status: str = self.dynamodb.describe_table(TableName=self.restored)["Table"]["TableStatus"]
        except self.dynamodb.exceptions.ResourceNotFoundException:
            return None
        return status


def _key(item: Item, names: list[str]) -> str:
    return repr([item[name] for name in names])
