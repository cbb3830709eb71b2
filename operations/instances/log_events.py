"""Lines that instances write into CloudWatch Logs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from operations.console import printable
from operations.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from operations.aws import Aws

POLL_SECONDS = 2.0
_LATE_MS = 60_000
"""How much later than its own time an event may arrive and still be shown while following."""


@dataclass(frozen=True)
class LogEvent:
    """One event: when it was written, the stream it is in (an instance's is called by its id), and its text."""

    time: datetime
    stream: str
    message: str

    def __str__(self) -> str:
        # whoever sends a request decides what a log holds: it must not command the operator's terminal
        text = printable(self.message.rstrip())
        return f"{self.time.isoformat(timespec='milliseconds').replace('+00:00', 'Z')} {self.stream} {text}"


def log_events(
    aws: Aws, group: str, *, region: str, since: datetime, follow: bool = False, poll_seconds: float = POLL_SECONDS
) -> Iterator[LogEvent]:
    """The events of a log group since then, by time; with `follow` without end, as they arrive.

    Raises OperatorError when there is no such group, and what botocore raises (`operations.aws.refusals_explained`).
    """
    logs = aws.client("logs", region=region)
    start = _milliseconds(since)
    seen: dict[str, int] = {}
    while True:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, startTime=start, interleaved=True)
        try:
            for page in pages:
                for event in page["events"]:
                    if event["eventId"] in seen:
                        continue
                    if follow:
                        seen[event["eventId"]] = event["timestamp"]
                    moment = datetime.fromtimestamp(event["timestamp"] / 1000, UTC)
                    yield LogEvent(moment, event["logStreamName"], event["message"])
        except logs.exceptions.ResourceNotFoundException:
            raise OperatorError(f"There is no log group {group} in {region}.") from None
        if not follow:
            return
        start = max(start, max(seen.values(), default=start) - _LATE_MS)
        seen = {event_id: moment for event_id, moment in seen.items() if moment >= start}
        time.sleep(poll_seconds)


def _milliseconds(moment: datetime) -> int:
    return max(0, int(moment.timestamp() * 1000))
