"""Sources and shape of a restored Aurora cluster, and its instances, without Terraform."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from operations.console import new_console
from operations.errors import OperatorError
from operations.restore.cluster_shape import ClusterShape, of_member
from operations.restore.cluster_source import ClusterMoment, ClusterSnapshot
from operations.restore.clusters import Clusters
from operations.restore.place import DatabasePlace
from operations.stacks import Stack

ADDRESS, WRITER, READER = (
    "aws_rds_cluster.database",
    "aws_rds_cluster_instance.writer",
    "aws_rds_cluster_instance.reader",
)
STATE: dict[str, Any] = {
    "engine": "aurora-postgresql", "engine_version": "16", "engine_version_actual": "16.6", "engine_mode": "provisioned",
    "master_username": "cd2_admin", "database_name": "cd2", "storage_encrypted": True, "kms_key_id": "arn:key",
    "db_subnet_group_name": "subnets", "vpc_security_group_ids": ["sg-1"], "port": 5432,
    "db_cluster_parameter_group_name": "group", "copy_tags_to_snapshot": True, "deletion_protection": True,
    "iam_database_authentication_enabled": False, "engine_lifecycle_support": "open-source-rds-extended-support-disabled",
    "serverlessv2_scaling_configuration": [{"min_capacity": 0.5, "max_capacity": 4}], "tags_all": {"a": "b"},
    "backup_retention_period": 7, "preferred_backup_window": "01:00-01:30", "enable_http_endpoint": True,
    "preferred_maintenance_window": "mon:03:00-mon:03:30", "enabled_cloudwatch_logs_exports": ["postgresql"],
}  # fmt: skip
MEMBER: dict[str, Any] = {
    "instance_class": "db.serverless", "engine": "aurora-postgresql", "auto_minor_version_upgrade": True,
    "promotion_tier": 0, "copy_tags_to_snapshot": False, "ca_cert_identifier": "rds-ca-rsa2048-g1",
    "preferred_maintenance_window": "", "performance_insights_enabled": True, "monitoring_interval": 0,
    "monitoring_role_arn": "", "tags_all": {"a": "b"},
}  # fmt: skip
CLUSTER: dict[str, Any] = {
    "DBClusterIdentifier": "new", "Engine": "aurora-postgresql", "MasterUsername": "cd2_admin", "DatabaseName": "cd2",
    "StorageEncrypted": True, "KmsKeyId": "arn:key", "DBSubnetGroup": "subnets", "BackupRetentionPeriod": 1,
    "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1"}], "PreferredBackupWindow": "01:00-01:30",
    "PreferredMaintenanceWindow": "mon:03:00-mon:03:30",
}  # fmt: skip


FOUND_IN_STATE = {ADDRESS: STATE, WRITER: MEMBER, READER: MEMBER}


@pytest.fixture
def rds(aws: Callable[..., Any]) -> Any:
    client = aws("rds")
    client.create_db_cluster(
        DBClusterIdentifier="database", Engine="aurora-postgresql", EngineVersion="16", MasterUsername="cd2_admin",
        ManageMasterUserPassword=True, StorageEncrypted=True, DatabaseName="cd2",
    )  # fmt: skip
    client.create_db_cluster_snapshot(DBClusterIdentifier="database", DBClusterSnapshotIdentifier="sunday")
    return client


def test_a_snapshot_may_be_named_as_aws_backup_names_it() -> None:
    arn = "arn:aws:rds:ap-southeast-2:123456789012:cluster-snapshot:awsbackup:job-0e5d"
    assert ClusterSnapshot.of(arn) == ClusterSnapshot("awsbackup:job-0e5d")


def test_a_snapshot_that_fits_is_taken_and_one_that_is_not_there_is_answered_with_those_that_are(rds: Any) -> None:
    ClusterSnapshot("sunday").check(rds, "database", STATE)
    with pytest.raises(OperatorError, match=r"no snapshot monday; the newest are: .*sunday"):
        ClusterSnapshot("monday").check(rds, "database", STATE)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"engine_version_actual": "15.8"}, "the database of aurora-postgresql 15"),
        ({"master_username": "other"}, "the database of aurora-postgresql 16 of other"),
        ({"storage_encrypted": False}, "not encrypted"),
    ],
)
def test_a_snapshot_that_terraform_would_replace_is_refused(rds: Any, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(OperatorError, match=said):
        ClusterSnapshot("sunday").check(rds, "database", {**STATE, **changed})


def test_a_moment_that_backups_do_not_reach_is_refused(rds: Any) -> None:
    ClusterMoment(None).check(rds, "database", STATE)
    for wrong in (datetime(2001, 1, 1, tzinfo=UTC), datetime.now(UTC) + timedelta(hours=1)):
        with pytest.raises(OperatorError, match="cannot be restored to"):
            ClusterMoment(wrong).check(rds, "database", STATE)
    with pytest.raises(OperatorError, match="is gone, and its backups with it"):
        ClusterMoment(None).check(rds, "nobody", STATE)


def test_the_new_cluster_is_given_what_a_restore_leaves_out_and_nothing_twice() -> None:
    shape = ClusterShape(STATE)
    assert shape.changes(CLUSTER) == {"BackupRetentionPeriod": 7, "ManageMasterUserPassword": True}
    after = {**CLUSTER, "BackupRetentionPeriod": 7, "MasterUserSecret": {"SecretStatus": "active"}}
    assert shape.changes(after) == {}
    assert shape.when_restored()["ServerlessV2ScalingConfiguration"] == {"MinCapacity": 0.5, "MaxCapacity": 4}
    assert "MonitoringInterval" not in of_member(MEMBER)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"StorageEncrypted": False}, "encryption is False"),
        ({"KmsKeyId": "arn:other"}, "key is arn:other"),
        ({"DatabaseName": "other"}, "database is other"),
        ({"VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-2"}]}, "security groups is"),
    ],
)
def test_a_cluster_that_terraform_would_replace_or_others_reach_is_never_switched_to(
    changed: dict[str, Any], said: str
) -> None:
    ClusterShape(STATE).check(CLUSTER)
    with pytest.raises(OperatorError, match=said):
        ClusterShape(STATE).check({**CLUSTER, **changed})


def restored_cluster(rds: Any, aws: Callable[..., Any]) -> tuple[Clusters, dict[str, Any]]:
    """A cluster that was restored, with both its instances."""
    stack = Stack("x-dev", "x", "dev", Path(), "eu-central-1", "123456789012", None)
    reached: Any = SimpleNamespace(client=lambda service, region: aws(service, region=region))
    members = {"-writer": WRITER, "-reader-1": READER}
    place = DatabasePlace(reached, stack, Path(), ADDRESS, "database", "", "", members=members, poll_seconds=0.01)
    clusters = Clusters(place, 10)
    rds.restore_db_cluster_from_snapshot(
        DBClusterIdentifier="new", SnapshotIdentifier="sunday", Engine="aurora-postgresql"
    )
    found = clusters.named("new")
    assert found is not None
    for _ in range(2):  # once, and again
        found = clusters.complete(clusters.resource_id(found), FOUND_IN_STATE, new_console(file=io.StringIO()))
    return clusters, found


def names(cluster: dict[str, Any]) -> list[str]:
    return sorted(member["DBInstanceIdentifier"] for member in cluster["DBClusterMembers"])


def test_instances_that_are_missing_are_created_once_and_renamed_with_their_cluster(
    rds: Any, aws: Callable[..., Any]
) -> None:
    clusters, found = restored_cluster(rds, aws)
    id_, console = clusters.resource_id(found), new_console(file=io.StringIO())
    assert names(found) == ["new-reader-1", "new-writer"]
    rds.modify_db_instance(DBInstanceIdentifier="new-reader-1", NewDBInstanceIdentifier="old-reader-1")  # and cut off
    for _ in range(2):
        found = clusters.make_room(found, "old", console)
    assert names(found) == ["old-reader-1", "old-writer"]
    assert "--db-instance-identifier old-reader-1" in clusters.deletion("old", "eu-central-1")
    rds.delete_db_instance(DBInstanceIdentifier="old-writer")
    assert names(clusters.complete(id_, FOUND_IN_STATE, console)) == ["old-reader-1", "old-writer"]
    with pytest.raises(OperatorError, match="is gone: somebody has deleted it"):
        clusters.complete("cluster-NOBODY", FOUND_IN_STATE, console)


def test_the_name_of_a_cluster_says_how_far_a_switch_came_that_was_cut_off(
    rds: Any, aws: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    clusters, found = restored_cluster(rds, aws)
    console = new_console(file=io.StringIO())

    def cut(*_: Any, **__: Any) -> NoReturn:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Clusters, "_rename_members", cut)
        with pytest.raises(KeyboardInterrupt):
            clusters.make_room(found, "old", console)
    old = clusters.named("old")  # it has made room from the first moment, and cannot be given up any more
    assert old is not None
    assert names(old) == ["new-reader-1", "new-writer"]
    with monkeypatch.context() as patch:
        patch.setattr(Clusters, "_rename", cut)
        with pytest.raises(KeyboardInterrupt):
            clusters.take_name(old, "database-2", FOUND_IN_STATE, console)
    old = clusters.named("old")  # it takes the name in the last moment, and is switched to again until then
    assert old is not None
    assert names(old) == ["database-2-reader-1", "database-2-writer"]
    assert names(clusters.take_name(old, "database-2", FOUND_IN_STATE, console)) == names(old)
    assert clusters.named("database-2") is not None


@pytest.mark.parametrize("members", [{}, {"-writer": WRITER, "-reader-1": READER}])
@pytest.mark.parametrize("name", ["database", "canvas-data-2-production-europe-database"])
def test_a_name_is_cut_where_rds_would_refuse_it_or_that_of_an_instance(name: str, members: dict[str, str]) -> None:
    stack: Any = None
    renamed = DatabasePlace(stack, stack, Path(), ADDRESS, name, "", "", members=members).renamed(
        "-before-20261129-104000"
    )
    assert len(renamed) + max(map(len, members), default=0) <= 63
    assert renamed.endswith("-before-20261129-104000")
    assert "--" not in renamed
    assert name.startswith(renamed.removesuffix("-before-20261129-104000"))
    if name == "database":
        assert renamed == "database-before-20261129-104000"
