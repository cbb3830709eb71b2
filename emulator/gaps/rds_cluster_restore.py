"""Aurora clusters that are restored and renamed.

* a cluster with a managed password cannot be restored from a snapshot; one restored to a moment keeps that password
* a restored or renamed cluster silently takes the place of another that has the name
* a renamed cluster loses its instances
* log exports of a changed cluster are forgotten
* every cluster has an address of its own; on AWS the part after the name is the account's in a region
* clusters are not found by their resource id
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Mapping
from typing import Any

from moto.rds.exceptions import DBClusterNotFoundError
from moto.rds.models import DBCluster, RDSBackend
from moto.rds.utils import FilterDef

from emulator.gap import Gap

GAP = Gap("rds")

_TAKEN_ALONG = (
    "allocated_storage",
    "backup_retention_period",
    "copy_tags_to_snapshot",
    "database_name",
    "db_subnet_group_name",
    "engine",
    "engine_mode",
    "engine_version",
    "kms_key_id",
    "master_username",
    "port",
    "preferred_backup_window",
    "preferred_maintenance_window",
    "serverless_v2_scaling_configuration",
    "storage_encrypted",
    "storage_type",
)
"""Properties of the source that a restored cluster has unless others are asked for (API reference of
RestoreDBClusterToPointInTime and RestoreDBClusterFromSnapshot, 2026-11-29): neither instances, security groups, the
managed password, log exports, the Data API nor deletion protection."""


@GAP.also
def clusters_are_found_by_their_resource_id() -> None:
    DBCluster.SUPPORTED_FILTERS["db-cluster-resource-id"] = FilterDef(["db_cluster_resource_id"], "Resource Ids")


@GAP.around(DBCluster, "__init__")
def cluster_with_the_accounts_address(original: Any, cluster: DBCluster, *args: Any, **kwargs: Any) -> None:
    original(cluster, *args, **kwargs)
    place = f"{cluster.backend.account_id} {cluster.region}"
    cluster.url_identifier = hashlib.sha256(place.encode()).hexdigest()[:12]


@GAP.around(RDSBackend, "restore_db_cluster_from_snapshot")
def restored_from_a_snapshot(
    original: Any, backend: RDSBackend, from_snapshot_id: str, overrides: dict[str, Any]
) -> DBCluster:
    del original
    (snapshot,) = backend.describe_db_cluster_snapshots(None, from_snapshot_id)
    return _restored(backend, snapshot.cluster, overrides)


@GAP.around(RDSBackend, "restore_db_cluster_to_point_in_time")
def restored_to_a_point_in_time(
    original: Any, backend: RDSBackend, source_db_cluster_identifier: str, **asked: Any
) -> DBCluster:
    del original
    source = _cluster(backend, source_db_cluster_identifier)
    to, latest = asked.pop("restore_to_time", None), asked.pop("use_latest_restorable_time", False)
    if bool(to) == bool(latest):
        raise GAP.error(
            "InvalidParameterCombination", "Specify either RestoreToTime or UseLatestRestorableTime, and not both."
        )
    return _restored(backend, source, asked)


@GAP.around(RDSBackend, "modify_db_cluster")
def changed_or_renamed(original: Any, backend: RDSBackend, kwargs: dict[str, Any]) -> DBCluster:
    cluster = _cluster(backend, kwargs["db_cluster_identifier"])
    name, members = kwargs.get("new_db_cluster_identifier"), list(cluster.members)
    if name and name != cluster.db_cluster_identifier:
        _refuse_taken(backend, name)
    exports = kwargs.pop("cloudwatch_logs_export_configuration", None) or {}
    changed: DBCluster = original(backend, kwargs)
    if name:
        for member in members:
            member.db_cluster_identifier = name
    logs = set(cluster.enabled_cloudwatch_logs_exports) - set(exports.get("DisableLogTypes") or [])
    cluster.enabled_cloudwatch_logs_exports = sorted(logs | set(exports.get("EnableLogTypes") or []))
    return changed  # a copy, which shows the cluster while it is being changed


def _restored(backend: RDSBackend, source: DBCluster, asked: Mapping[str, Any]) -> DBCluster:
    _refuse_taken(backend, asked["db_cluster_identifier"])
    taken = {name: getattr(source, name) for name in _TAKEN_ALONG}
    given = {name: value for name, value in asked.items() if value is not None}
    logs = given.pop("enable_cloudwatch_logs_exports", [])
    password = {"master_user_password": secrets.token_hex(14)}  # that of then, which nobody here can know
    cluster = backend.create_db_cluster({**taken, **password, **given, "enable_cloudwatch_logs_exports": logs})
    cluster.tags = list(given.get("tags") or source.tags)
    return cluster


def _cluster(backend: RDSBackend, identifier: str) -> DBCluster:
    if identifier not in backend.clusters:
        raise DBClusterNotFoundError(identifier)
    return backend.clusters[identifier]


def _refuse_taken(backend: RDSBackend, identifier: str) -> None:
    if identifier in backend.clusters:
        raise GAP.error("DBClusterAlreadyExistsFault", f"DB Cluster already exists: {identifier}")
