"""More read capacity for as long as a table is read whole."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from operations.errors import OperatorError

LEAST_FOR_EXPORTS = 200
"""Read capacity units, as the document has it."""

TAG = "quintet:read-capacity-before"
"""Stands at a table while it has more than its own: what to go back to, whoever finds it."""

_SECONDS = 900
_POLL_SECONDS = 2.0


@dataclass(frozen=True)
class _Before:
    """The capacity of a table and, where autoscaling follows its use, autoscaling's bounds."""

    read: int
    least: int | None = None
    most: int | None = None

    def text(self) -> str:
        return "/".join(str(value) for value in (self.read, self.least, self.most) if value is not None)

    @classmethod
    def parse(cls, text: str) -> _Before:
        return cls(*map(int, text.split("/")))


@dataclass(frozen=True)
class ReadCapacity:
    """The read capacity of one table."""

    dynamodb: Any
    autoscaling: Any
    """A client of `application-autoscaling`."""
    table: str
    pause: Callable[[float], None] = time.sleep

    @contextmanager
    def raised(self, least: int = LEAST_FOR_EXPORTS, *, say: Callable[[str], None]) -> Iterator[None]:
        """At least this many units while the block lasts, and what was there before afterwards, whatever happens.

        A table on demand needs nothing. A table that an earlier run left raised, because it was killed, goes back to
        what it had before that run.
        """
        described = self._describe()
        if described.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST":
            yield
            return
        arn = described["TableArn"]
        before = self._left_behind(arn) or self._found(described)
        if before.read >= least:
            yield
            return
        self.dynamodb.tag_resource(ResourceArn=arn, Tags=[{"Key": TAG, "Value": before.text()}])
        try:
            say(f"{self.table}: read capacity {before.read} → {least}")
            self._set(least, before, at_least=least)
            yield
        finally:
            self._set(before.read, before, at_least=None)
            self.dynamodb.untag_resource(ResourceArn=arn, TagKeys=[TAG])
            say(f"{self.table}: read capacity back at {before.read}")

    def left_raised(self) -> str | None:
        """Capacity of the table before a run that never ended; None when there was no such run."""
        before = self._left_behind(self._describe()["TableArn"])
        return None if before is None else str(before.read)

    def _left_behind(self, arn: str) -> _Before | None:
        tags = self.dynamodb.list_tags_of_resource(ResourceArn=arn).get("Tags", [])
        return next((_Before.parse(tag["Value"]) for tag in tags if tag["Key"] == TAG), None)

    def _found(self, described: dict[str, Any]) -> _Before:
        read = described["ProvisionedThroughput"]["ReadCapacityUnits"]
        targets = self.autoscaling.describe_scalable_targets(
            ServiceNamespace="dynamodb",
            ResourceIds=[f"table/{self.table}"],
            ScalableDimension="dynamodb:table:ReadCapacityUnits",
        )["ScalableTargets"]
        return _Before(read, targets[0]["MinCapacity"], targets[0]["MaxCapacity"]) if targets else _Before(read)

    def _set(self, read: int, before: _Before, *, at_least: int | None) -> None:
        if before.least is not None and before.most is not None:
            # autoscaling would otherwise take back within minutes what was given here
            bounds = (before.least, before.most) if at_least is None else (at_least, max(before.most, at_least))
            self.autoscaling.register_scalable_target(
                ServiceNamespace="dynamodb",
                ResourceId=f"table/{self.table}",
                ScalableDimension="dynamodb:table:ReadCapacityUnits",
                MinCapacity=bounds[0],
                MaxCapacity=bounds[1],
            )
        throughput = self._when_active()["ProvisionedThroughput"]
        if throughput["ReadCapacityUnits"] != read:
            self.dynamodb.update_table(
                TableName=self.table,
                ProvisionedThroughput={
                    "ReadCapacityUnits": read,
                    "WriteCapacityUnits": throughput["WriteCapacityUnits"],
                },
            )
            self._when_active()

    def _when_active(self) -> dict[str, Any]:
        for _ in range(round(_SECONDS / _POLL_SECONDS)):
            described = self._describe()
            if described["TableStatus"] == "ACTIVE":
                return described
            self.pause(_POLL_SECONDS)
        raise OperatorError(f"{self.table} is still changing after {_SECONDS} seconds.")

    def _describe(self) -> dict[str, Any]:
        described: dict[str, Any] = self.dynamodb.describe_table(TableName=self.table)["Table"]
        return described
