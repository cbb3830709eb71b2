"""Sources of a restored instance: a snapshot of any kind, or a moment of the last days."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

from operations.errors import OperatorError
from operations.restore.moment import moment

if TYPE_CHECKING:
    from collections.abc import Mapping

_LISTED = 10
_SECONDARY_IN_SERIES = ("mysql", "mariadb")
_Fit = tuple[str, str, str, bool]
"""Engine, series, master user and encryption: what a snapshot and the database must have in common."""


@dataclass(frozen=True)
class NamedSnapshot:
    """A snapshot by its name: an operator's, one of RDS's own (`rds:…`), or one of AWS Backup's (`awsbackup:…`)."""

    name: str
    kind: ClassVar[str] = "snapshot"
    """As ARNs have it."""

    @classmethod
    def of(cls, text: str) -> Self:
        """A name, or the ARN that AWS Backup calls a recovery point by."""
        arn = re.fullmatch(rf"arn:aws[\w-]*:rds:[\w-]+:\d{{12}}:{cls.kind}:(?P<name>.+)", text)
        return cls(arn["name"] if arn else text)

    def __str__(self) -> str:
        return f"snapshot {self.name}"

    def refuse_unfit(self, status: str, mine: _Fit, wanted: _Fit) -> None:
        """Raises OperatorError unless it is complete, and of a database like the one in whose place it would stand."""
        if status != "available":
            raise OperatorError(f"The snapshot {self.name} is {status}.", hint="Wait until it is available.")
        if mine != wanted:
            raise OperatorError(
                f"The snapshot {self.name} is of {described(*mine)}, the database of {described(*wanted)}. "
                "Nothing was changed.",
                hint="Restore it beside this database by hand, and take a dump of that.",
            )


@dataclass(frozen=True)
class PointInTime:
    """A database as it was at a time; None is the latest there is."""

    time: datetime | None

    @classmethod
    def of(cls, text: str) -> Self:
        """`latest`, or a time with its zone. Raises OperatorError for any other text."""
        return cls(None if text == "latest" else moment(text))

    def __str__(self) -> str:
        return f"time {self.time.isoformat() if self.time else 'latest'}"

    def refuse_outside(self, identifier: str, earliest: datetime | None, latest: datetime | None) -> None:
        """Raises OperatorError unless backups reach that far; an end that RDS does not tell is now."""
        latest = latest or datetime.now(UTC)
        if self.time and (self.time > latest or (earliest and self.time < earliest)):
            raise OperatorError(
                f"{identifier} cannot be restored to {self.time.isoformat()}: its backups reach "
                f"from {earliest.isoformat() if earliest else 'the first one'} to {latest.isoformat()}."
            )


class Snapshot(NamedSnapshot):
    """A snapshot of an instance."""

    def check(self, rds: Any, identifier: str, database: Mapping[str, Any]) -> None:
        """Raises OperatorError unless it is complete and of a database that can stand in `database`'s place.

        `database` is what Terraform's state holds of it, `identifier` what it is called.
        """
        try:
            (found,) = rds.describe_db_snapshots(DBSnapshotIdentifier=self.name)["DBSnapshots"]
        except rds.exceptions.DBSnapshotNotFoundFault:
            newest = ", ".join(_newest(rds, identifier)) or "none"
            raise OperatorError(f"There is no snapshot {self.name}; the newest are: {newest}.") from None
        engine, version = database["engine"], database.get("engine_version_actual") or database["engine_version"]
        mine = (
            found["Engine"],
            series(found["Engine"], found["EngineVersion"]),
            found["MasterUsername"],
            found["Encrypted"],
        )
        wanted = (engine, series(engine, version), database["username"], database["storage_encrypted"])
        self.refuse_unfit(found["Status"], mine, wanted)

    def restore(self, rds: Any, identifier: str, target: str, shape: Mapping[str, Any]) -> None:
        """Have RDS restore `target` from it, with as much storage as the larger of the two has."""
        del identifier
        (found,) = rds.describe_db_snapshots(DBSnapshotIdentifier=self.name)["DBSnapshots"]
        storage = max(found["AllocatedStorage"], shape["AllocatedStorage"])
        rds.restore_db_instance_from_db_snapshot(
            DBInstanceIdentifier=target,
            DBSnapshotIdentifier=self.name,
            **{**shape, "AllocatedStorage": storage},
        )


class Moment(PointInTime):
    """An instance at a time, from its automated backups."""

    def check(self, rds: Any, identifier: str, database: Mapping[str, Any]) -> None:
        """Raises OperatorError unless backups reach that far."""
        kept = rds.describe_db_instance_automated_backups(DBInstanceIdentifier=identifier)["DBInstanceAutomatedBackups"]
        if not kept or not database.get("backup_retention_period"):
            raise OperatorError(f"{identifier} has no automated backups.", hint="Restore a snapshot.")
        window = kept[0].get("RestoreWindow", {})
        self.refuse_outside(identifier, window.get("EarliestTime"), window.get("LatestTime"))

    def restore(self, rds: Any, identifier: str, target: str, shape: Mapping[str, Any]) -> None:
        """Have RDS restore `target` from the backups."""
        when = {"RestoreTime": self.time} if self.time else {"UseLatestRestorableTime": True}
        rds.restore_db_instance_to_point_in_time(
            SourceDBInstanceIdentifier=identifier, TargetDBInstanceIdentifier=target, **when, **dict(shape)
        )


class Source(Protocol):
    """Anything that a database can be restored from; its text names it in the record."""

    def check(self, rds: Any, identifier: str, database: Mapping[str, Any]) -> None:
        """Raises OperatorError unless it can stand in the place of `database`, as Terraform's state holds it."""

    def restore(self, rds: Any, identifier: str, target: str, shape: Mapping[str, Any]) -> None:
        """Have RDS restore `target`."""


def _newest(rds: Any, identifier: str) -> list[str]:
    """The names of the database's newest snapshots of every kind."""
    found: list[dict[str, Any]] = []
    for kind in ("manual", "automated", "awsbackup"):
        pages = rds.get_paginator("describe_db_snapshots").paginate(DBInstanceIdentifier=identifier, SnapshotType=kind)
        found += [snapshot for page in pages for snapshot in page["DBSnapshots"] if "SnapshotCreateTime" in snapshot]
    found.sort(key=lambda snapshot: snapshot["SnapshotCreateTime"], reverse=True)
    return [snapshot["DBSnapshotIdentifier"] for snapshot in found[:_LISTED]]


def series(engine: str, version: str) -> str:
    """The part of a version that an upgrade of minor versions does not change."""
    parts = version.split(".")
    return ".".join(parts[:2]) if engine in _SECONDARY_IN_SERIES else parts[0]


def described(engine: str, of_series: str, user: str, encrypted: bool) -> str:
    """The properties that a source must share with the database."""
    return f"{engine} {of_series} of {user}, {'encrypted' if encrypted else 'not encrypted'}"
