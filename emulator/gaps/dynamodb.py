"""DynamoDB tables that are restored to a moment, which here is always that of the restore: there is no history.

* a table without point-in-time recovery is restored, and to any time, or none
* the end of the time that can be restored stays where recovery was turned on
* a tag with a key that the table has already is kept beside the former one
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from moto.dynamodb.exceptions import PointInTimeRecoveryUnavailable
from moto.dynamodb.models import DynamoDBBackend
from moto.dynamodb.responses import DynamoHandler

from emulator.gap import Gap

GAP = Gap("dynamodb")

_BEHIND_SECONDS = 300
"""LatestRestorableDateTime is typically five minutes before the current time (Developer Guide,
PointInTimeRecovery_Howitworks, 2026-11-29)."""


@GAP.around(DynamoDBBackend, "describe_continuous_backups")
def restorable_until_five_minutes_ago(original: Any, backend: DynamoDBBackend, table_name: str) -> dict[str, Any]:
    backups: dict[str, Any] = original(backend, table_name)
    window = backups["PointInTimeRecoveryDescription"]
    if window["PointInTimeRecoveryStatus"] == "ENABLED":
        window["LatestRestorableDateTime"] = max(window["EarliestRestorableDateTime"], time.time() - _BEHIND_SECONDS)
    return backups


@GAP.around(DynamoHandler, "restore_table_to_point_in_time")
def restored_within_the_window(original: Any, response: DynamoHandler) -> Any:
    source = response.body.get("SourceTableName") or ""
    window = response.dynamodb_backend.describe_continuous_backups(source)["PointInTimeRecoveryDescription"]
    if window["PointInTimeRecoveryStatus"] != "ENABLED":
        raise PointInTimeRecoveryUnavailable(source)
    to, latest = response.body.get("RestoreDateTime"), response.body.get("UseLatestRestorableTime")
    if bool(to) == bool(latest):
        raise GAP.error("ValidationException", "Specify either RestoreDateTime or UseLatestRestorableTime, not both.")
    earliest, last = int(window["EarliestRestorableDateTime"]), window["LatestRestorableDateTime"]
    if to and not earliest <= _seconds(to) <= last:  # the window is told in whole seconds
        raise GAP.error(
            "InvalidRestoreTimeException", f"RestoreDateTime must be between {earliest} and {last} of table {source}"
        )
    return original(response)


@GAP.around(DynamoDBBackend, "tag_resource")
def tags_take_the_place_of_former_ones(original: Any, backend: DynamoDBBackend, arn: str, tags: dict[str, str]) -> None:
    """A table has one tag of a key, whose value is updated (Developer Guide, TaggingRestrictions, 2026-11-29)."""
    backend.untag_resource(arn, list(tags))
    original(backend, arn, tags)


def _seconds(moment: datetime | float) -> float:
    """Since 1970; moto hands over times of CBOR and JSON as they are, without a zone."""
    if isinstance(moment, datetime):
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return float(moment)
