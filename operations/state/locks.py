"""Holders of a state, as Terraform writes them into its locks and its messages."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

_FIELD = re.compile(r"^\s*(ID|Path|Operation|Who|Version|Created):[ \t]*(.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Lock:
    """A lock on one state: its id, who took it, for which operation, and when (None where the lock does not say)."""

    id: str
    who: str
    operation: str
    created: datetime | None

    @classmethod
    def from_json(cls, text: str) -> Lock:
        """The lock in a lock table's `Info` or in a `.tflock` object."""
        try:
            fields = json.loads(text)
        except ValueError:
            fields = {}
        return cls._from_fields(fields if isinstance(fields, dict) else {})

    @classmethod
    def from_message(cls, text: str) -> Lock | None:
        """The lock described under "Lock Info:" in an error of Terraform, or None."""
        _, found, description = text.partition("Lock Info:")
        return cls._from_fields(dict(_FIELD.findall(description))) if found else None

    @classmethod
    def _from_fields(cls, fields: dict[str, str]) -> Lock:
        operation = fields.get("Operation", "").removeprefix("OperationType").lower()
        return cls(
            id=fields.get("ID", ""),
            who=fields.get("Who") or "unknown",
            operation=operation or "unknown",
            created=_timestamp(fields.get("Created", "")),
        )

    def describe(self, now: datetime | None = None) -> str:
        """`ann@laptop, apply, for 3 min` — the age counted up to `now`, by default this moment."""
        age = f"for {age_text(self.created, now)}" if self.created else "since an unknown time"
        return f"{self.who}, {self.operation}, {age}"


def age_text(since: datetime, now: datetime | None = None) -> str:
    """How long ago `since` was, in its largest unit: `40 s`, `3 min`, `5 h`, `2 days`."""
    seconds = max(0, int(((now or datetime.now(UTC)) - since).total_seconds()))
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size or (seconds >= size and unit != "days"):
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _timestamp(text: str) -> datetime | None:
    # Go writes nanoseconds, and in messages " +0000 UTC" where JSON has "Z": both are UTC.
    found = re.match(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)", text)
    return datetime.fromisoformat(f"{found[1]}T{found[2]}+00:00") if found else None
