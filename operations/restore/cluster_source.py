"""Sources of a restored Aurora cluster: a snapshot of any kind, or a moment of the last days."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from operations.errors import OperatorError
from operations.restore.moment import moment
from operations.restore.source import described, series

_LISTED = 10
_ARN = re.compile(r"arn:aws[\w-]*:rds:[\w-]+:\d{12}:cluster-snapshot:(?P<name>.+)")


@dataclass(frozen=True)
class ClusterSnapshot:
    """A snapshot by its name: an operator's, one of RDS's own (`rds:…`), or one of AWS Backup's (`awsbackup:…`)."""

    name: str

    @classmethod
    def of(cls, text: str) -> ClusterSnapshot:
        """A name, or the ARN that AWS Backup calls a recovery point by."""
        arn = _ARN.fullmatch(text)
        return cls(arn["name"] if arn else text)

    def __str__(self) -> str:
        return f"snapshot {self.name}"

    def check(self, rds: Any, identifier: str, database: Mapping[str, Any]) -> None:
        """Raises OperatorError unless it is complete and of a cluster that can stand in `database`'s place."""
        try:
            (found,) = rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=self.name)["DBClusterSnapshots"]
        except rds.exceptions.DBClusterSnapshotNotFoundFault:
            pages = rds.get_paginator("describe_db_cluster_snapshots").paginate(DBClusterIdentifier=identifier)
            there = [snapshot for page in pages for snapshot in page["DBClusterSnapshots"]]
            there.sort(key=lambda snapshot: str(snapshot.get("SnapshotCreateTime")), reverse=True)
            newest = ", ".join(snapshot["DBClusterSnapshotIdentifier"] for snapshot in there[:_LISTED]) or "none"
            raise OperatorError(f"There is no snapshot {self.name}; the newest are: {newest}.") from None
        if found["Status"] != "available":
            raise OperatorError(f"The snapshot {self.name} is {found['Status']}.", hint="Wait until it is available.")
        engine, version = database["engine"], database.get("engine_version_actual") or database["engine_version"]
        encrypted = found["StorageEncrypted"]
        mine = (found["Engine"], series(found["Engine"], found["EngineVersion"]), found["MasterUsername"], encrypted)
        wanted = (engine, series(engine, version), database["master_username"], database["storage_encrypted"])
        if mine != wanted:
            raise OperatorError(
                f"The snapshot {self.name} is of {described(*mine)}, the database of {described(*wanted)}. "
                "Nothing was changed.",
                hint="Restore it beside this database by hand, and take a dump of that.",
            )

    def restore(self, rds: Any, identifier: str, target: str, shape: Mapping[str, Any]) -> None:
        """Have RDS restore `target` from it."""
        del identifier
        (found,) = rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=self.name)["DBClusterSnapshots"]
        rds.restore_db_cluster_from_snapshot(
            DBClusterIdentifier=target, SnapshotIdentifier=self.name, Engine=found["Engine"], **shape
        )


@dataclass(frozen=True)
class ClusterMoment:
    """The cluster as it was at a time, from its continuous backups; None is the latest there is."""

    time: datetime | None

    @classmethod
    def of(cls, text: str) -> ClusterMoment:
        """`latest`, or a time with its zone. Raises OperatorError for any other text."""
        return cls(None if text == "latest" else moment(text))

    def __str__(self) -> str:
        return f"time {self.time.isoformat() if self.time else 'latest'}"

    def check(self, rds: Any, identifier: str, database: Mapping[str, Any]) -> None:
        """Raises OperatorError unless backups reach that far."""
        del database
        try:
            (found,) = rds.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"]
        except rds.exceptions.DBClusterNotFoundFault:
            raise OperatorError(f"{identifier} is gone, and its backups with it.", hint="Restore a snapshot.") from None
        earliest, latest = found.get("EarliestRestorableTime"), found.get("LatestRestorableTime") or datetime.now(UTC)
        if self.time and (self.time > latest or (earliest and self.time < earliest)):
            raise OperatorError(
                f"{identifier} cannot be restored to {self.time.isoformat()}: its backups reach "
                f"from {earliest.isoformat() if earliest else 'the first one'} to {latest.isoformat()}."
            )

    def restore(self, rds: Any, identifier: str, target: str, shape: Mapping[str, Any]) -> None:
        """Have RDS restore `target` from the backups."""
        when = {"RestoreToTime": self.time} if self.time else {"UseLatestRestorableTime": True}
        rds.restore_db_cluster_to_point_in_time(
            SourceDBClusterIdentifier=identifier, DBClusterIdentifier=target, **when, **shape
        )
