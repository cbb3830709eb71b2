"""RDS: what a restore does not take along, and names that are taken."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


@pytest.fixture
def rds(aws: Callable[..., Any], account: str) -> Any:
    client = aws("rds")
    client.create_db_instance(
        DBInstanceIdentifier="source", Engine="postgres", EngineVersion="16.9", DBInstanceClass="db.t3.medium",
        AllocatedStorage=100, MasterUsername="postgres", ManageMasterUserPassword=True, StorageEncrypted=True,
        EnablePerformanceInsights=True, MonitoringInterval=60,
        MonitoringRoleArn=f"arn:aws:iam::{account}:role/monitoring", EnableCloudwatchLogsExports=["postgresql"],
    )  # fmt: skip
    client.create_db_snapshot(DBInstanceIdentifier="source", DBSnapshotIdentifier="snapshot")
    return client


def described(rds: Any, name: str) -> dict[str, Any]:
    instance: dict[str, Any] = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    return instance


@pytest.mark.parametrize("kind", ["snapshot", "moment"])
def test_a_restored_instance_has_no_managed_password_monitoring_or_logs_until_they_are_asked_for(
    rds: Any, kind: str
) -> None:
    if kind == "snapshot":
        rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="new", DBSnapshotIdentifier="snapshot")
    else:
        rds.restore_db_instance_to_point_in_time(
            SourceDBInstanceIdentifier="source", TargetDBInstanceIdentifier="new", UseLatestRestorableTime=True
        )
    new, source = described(rds, "new"), described(rds, "source")
    assert new["DbiResourceId"] != source["DbiResourceId"]
    assert new["MonitoringInterval"] == 0
    assert not new.get("PerformanceInsightsEnabled")
    assert not new.get("MasterUserSecret")
    assert not new.get("ReadReplicaSourceDBInstanceIdentifier")
    assert not new.get("EnabledCloudwatchLogsExports")
    assert (new["Engine"], new["MasterUsername"], new["StorageEncrypted"]) == ("postgres", "postgres", True)
    rds.modify_db_instance(DBInstanceIdentifier="new", ManageMasterUserPassword=True)
    assert described(rds, "new")["MasterUserSecret"]["SecretArn"] != source["MasterUserSecret"]["SecretArn"]
    assert described(rds, "source")["MasterUserSecret"] == source["MasterUserSecret"]


def test_managing_a_managed_password_makes_no_other_secret(rds: Any) -> None:
    before = described(rds, "source")["MasterUserSecret"]
    rds.modify_db_instance(DBInstanceIdentifier="source", ManageMasterUserPassword=True)
    assert described(rds, "source")["MasterUserSecret"] == before


def test_an_instance_cannot_take_a_name_that_another_has(rds: Any) -> None:
    rds.restore_db_instance_from_db_snapshot(DBInstanceIdentifier="new", DBSnapshotIdentifier="snapshot")
    with pytest.raises(ClientError, match="AlreadyExists"):
        rds.modify_db_instance(DBInstanceIdentifier="new", NewDBInstanceIdentifier="source")
    rds.modify_db_instance(DBInstanceIdentifier="source", NewDBInstanceIdentifier="old")
    rds.modify_db_instance(DBInstanceIdentifier="new", NewDBInstanceIdentifier="source")
    assert described(rds, "source")["Endpoint"]["Address"].startswith("source.")


@pytest.fixture
def cluster(aws: Callable[..., Any]) -> Any:
    client = aws("rds")
    client.create_db_cluster(
        DBClusterIdentifier="source", Engine="aurora-postgresql", EngineVersion="16", MasterUsername="cd2_admin",
        ManageMasterUserPassword=True, StorageEncrypted=True, DatabaseName="cd2", EnableHttpEndpoint=True,
        EnableCloudwatchLogsExports=["postgresql"], BackupRetentionPeriod=7, DeletionProtection=True,
    )  # fmt: skip
    add_instance(client, "source")
    client.create_db_cluster_snapshot(DBClusterIdentifier="source", DBClusterSnapshotIdentifier="snapshot")
    return client


def add_instance(rds: Any, name: str) -> None:
    rds.create_db_instance(
        DBInstanceIdentifier=f"{name}-writer",
        DBClusterIdentifier=name,
        Engine="aurora-postgresql",
        DBInstanceClass="db.serverless",
    )


def the_cluster(rds: Any, name: str) -> dict[str, Any]:
    found: dict[str, Any] = rds.describe_db_clusters(DBClusterIdentifier=name)["DBClusters"][0]
    return found


def restored(rds: Any, kind: str, name: str) -> None:
    if kind == "snapshot":
        rds.restore_db_cluster_from_snapshot(
            DBClusterIdentifier=name, SnapshotIdentifier="snapshot", Engine="aurora-postgresql"
        )
    else:
        rds.restore_db_cluster_to_point_in_time(
            DBClusterIdentifier=name, SourceDBClusterIdentifier="source", UseLatestRestorableTime=True
        )


@pytest.mark.parametrize("kind", ["snapshot", "moment"])
def test_a_restored_cluster_has_no_instances_managed_password_data_api_or_logs(cluster: Any, kind: str) -> None:
    restored(cluster, kind, "new")
    new, source = the_cluster(cluster, "new"), the_cluster(cluster, "source")
    assert new["DBClusterMembers"] == []
    assert not new.get("MasterUserSecret")
    assert not new.get("HttpEndpointEnabled")
    assert not new.get("EnabledCloudwatchLogsExports")
    assert not new["DeletionProtection"]
    assert new["DbClusterResourceId"] != source["DbClusterResourceId"]
    assert (new["Engine"], new["MasterUsername"], new["DatabaseName"]) == ("aurora-postgresql", "cd2_admin", "cd2")
    filters = [{"Name": "db-cluster-resource-id", "Values": [new["DbClusterResourceId"]]}]
    assert [found["DBClusterIdentifier"] for found in cluster.describe_db_clusters(Filters=filters)["DBClusters"]] == [
        "new"
    ]
    cluster.modify_db_cluster(DBClusterIdentifier="new", ManageMasterUserPassword=True)
    assert the_cluster(cluster, "new")["MasterUserSecret"]["SecretArn"] != source["MasterUserSecret"]["SecretArn"]


@pytest.mark.parametrize("kind", ["snapshot", "moment"])
def test_a_cluster_that_is_there_is_not_overwritten_by_a_restore(cluster: Any, kind: str) -> None:
    with pytest.raises(ClientError, match="DBClusterAlreadyExistsFault"):
        restored(cluster, kind, "source")


def test_a_renamed_cluster_keeps_its_instances_and_logs_as_asked_and_its_address_follows_the_name(cluster: Any) -> None:
    restored(cluster, "moment", "new")
    add_instance(cluster, "new")
    with pytest.raises(ClientError, match="DBClusterAlreadyExistsFault"):
        cluster.modify_db_cluster(DBClusterIdentifier="new", NewDBClusterIdentifier="source")
    with pytest.raises(ClientError, match="DBClusterNotFoundFault"):
        cluster.modify_db_cluster(DBClusterIdentifier="nobody", NewDBClusterIdentifier="source")
    address = the_cluster(cluster, "source")["Endpoint"]
    no_logs = {"DisableLogTypes": ["postgresql"]}
    cluster.modify_db_cluster(
        DBClusterIdentifier="source", NewDBClusterIdentifier="old", CloudwatchLogsExportConfiguration=no_logs
    )
    cluster.modify_db_instance(DBInstanceIdentifier="source-writer", NewDBInstanceIdentifier="old-writer")
    cluster.modify_db_cluster(
        DBClusterIdentifier="new",
        NewDBClusterIdentifier="source",
        CloudwatchLogsExportConfiguration={"EnableLogTypes": ["postgresql"]},
    )
    old, source = the_cluster(cluster, "old"), the_cluster(cluster, "source")
    assert [member["DBInstanceIdentifier"] for member in old["DBClusterMembers"]] == ["old-writer"]
    assert [member["DBInstanceIdentifier"] for member in source["DBClusterMembers"]] == ["new-writer"]
    assert described(cluster, "old-writer")["DBClusterIdentifier"] == "old"
    assert source["Endpoint"] == address
    assert source["EnabledCloudwatchLogsExports"] == ["postgresql"]
    assert not old.get("EnabledCloudwatchLogsExports")


def test_a_moment_or_the_latest_is_asked_for_and_not_both_nor_neither(cluster: Any) -> None:
    with pytest.raises(ClientError, match="Specify either RestoreToTime or UseLatestRestorableTime"):
        cluster.restore_db_cluster_to_point_in_time(DBClusterIdentifier="new", SourceDBClusterIdentifier="source")
