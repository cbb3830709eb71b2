"""Watches of a DynamoDB table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import partial

from modules.watches.watch import Watch


def table_watches(name: str, indexes: Sequence[str]) -> list[Watch]:
    """Throttled reads and writes of the table `name` and of each index, and DynamoDB's own errors."""
    watches = list(_throttles({"TableName": name}, ""))
    for index in indexes:
        suffix = "_" + re.sub(r"[^A-Za-z0-9]", "_", index)
        watches.extend(_throttles({"TableName": name, "GlobalSecondaryIndexName": index}, suffix))
    watches.extend(
        Watch(
            role=f"system_errors_{role}",
            description="DynamoDB itself fails: look at the AWS Health Dashboard; clients retry by themselves",
            namespace="AWS/DynamoDB",
            metric_name="SystemErrors",
            dimensions={"TableName": name, "Operation": operation},
            statistic="Sum",
            threshold=0,
        )
        for role, operation in (("reading", "GetItem"), ("writing", "PutItem"))
    )
    return watches


def _throttles(dimensions: dict[str, str], suffix: str) -> Iterator[Watch]:
    throttle = partial(
        Watch, namespace="AWS/DynamoDB", dimensions=dimensions, statistic="Sum", threshold=0, evaluation_periods=3
    )
    yield throttle(
        role=f"read_throttles{suffix}",
        description="Reads are refused for minutes: raise max_read_capacity, or look for a key that everybody asks for",
        metric_name="ReadThrottleEvents",
    )
    yield throttle(
        role=f"write_throttles{suffix}",
        description="Writes are refused for minutes: raise max_write_capacity, or look for a key that everybody writes",
        metric_name="WriteThrottleEvents",
    )
