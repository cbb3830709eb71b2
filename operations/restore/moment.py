"""A moment that something is restored to."""

from __future__ import annotations

from datetime import UTC, datetime

from operations.errors import OperatorError


def moment(text: str) -> datetime:
    """The time in `text`, which says its zone, in UTC. Raises OperatorError for any other text, and for the future.

    >>> moment("2026-11-20T09:30:00+01:00").isoformat()
    '2026-11-20T08:30:00+00:00'
    """
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise OperatorError(f"{text} is not a time.", hint="Write it with its zone: 2026-11-20T09:30:00+00:00")
    if time > datetime.now(UTC):
        raise OperatorError(f"{text} is in the future.")
    return time.astimezone(UTC)
