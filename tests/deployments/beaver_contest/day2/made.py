"""Parts of an applied contest that tests create for themselves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from deployments.beaver_contest.day2.contest import Contest

DATABASE = "beaver_contest"

KEYS = {
    "team": [("ID", "N", "HASH")],
    "team_question": [("teamID", "N", "HASH"), ("questionID", "N", "RANGE")],
    "sessions": [("id", "S", "HASH")],
}

Made = Callable[..., Contest]
"""`contest(static_access="acl")`: a contest with that output."""


def make_table(dynamodb: Any, name: str, *, read: int | None = None) -> None:
    """A table of the contest, on demand or with `read` units."""
    capacity: dict[str, Any] = {"BillingMode": "PAY_PER_REQUEST"}
    if read is not None:
        capacity = {
            "BillingMode": "PROVISIONED",
            "ProvisionedThroughput": {"ReadCapacityUnits": read, "WriteCapacityUnits": 5},
        }
    dynamodb.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": key, "KeyType": kind} for key, _, kind in KEYS[name]],
        AttributeDefinitions=[{"AttributeName": key, "AttributeType": type_} for key, type_, _ in KEYS[name]],
        **capacity,
    )
