"""Sources of a restored Aurora cluster: a snapshot of any kind, or a moment of the last days."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from operations.errors import OperatorError
from operations.restore.source import NamedSnapshot, PointInTime, series

_LISTED = 10


class ClusterSnapshot(NamedSnapshot):
    """A snapshot of a cluster."""

    kind = "cluster-snapshot"

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
        engine, version = database["engine"], database.get("engine_version_actual") or database["engine_version"]
        encrypted = found["StorageEncrypted"]
        mine = (found["Engine"], series(found["Engine"], found["EngineVersion"]), found["MasterUsername"], encrypted)
        wanted = (engine, series(engine, version), database["master_username"], database["storage_encrypted"])
        self.refuse_unfit(found["Status"], mine, wanted)

    def restore(self, rds: Any, identifier: str, target: str, shape: Mapping[str, Any]) -> None:
        """Have RDS restore `target` from it."""
        del identifier
        (found,) = rds.describe_db_cluster_snapshots(DBClusterSnapshotIdentifier=self.name)["DBClusterSnapshots"]
        rds.restore_db_cluster_from_snapshot(
            DBClusterIdentifier=target, SnapshotIdentifier=self.name, Engine=found["Engine"], **shape
        )


class ClusterMoment(PointInTime):
    """A cluster at a time, from its continuous backups."""

    def check(self, rds: Any, identifier: str, database: Mapping[str, Any]) -> None:
        """Raises OperatorError unless backups reach that far."""
        del database
        try:
            (found,) = rds.describe_db_clusters(DBClusterIdentifier=identifier)["DBClusters"]
        except rds.exceptions.DBClusterNotFoundFault:
            raise OperatorError(f"{identifier} is gone, and its backups with it.", hint="Restore a snapshot.") from None
        self.refuse_outside(identifier, found.get("EarliestRestorableTime"), found.get("LatestRestorableTime"))

    def restore(self, rds: Any, identifier: str, target: str, shape: Mapping[str, Any]) -> None:
        """Have RDS restore `target` from the backups."""
        when = {"RestoreToTime": self.time} if self.time else {"UseLatestRestorableTime": True}
        rds.restore_db_cluster_to_point_in_time(
            SourceDBClusterIdentifier=identifier, DBClusterIdentifier=target, **when, **shape
        )
