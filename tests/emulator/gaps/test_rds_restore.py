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
