"""Sources that a restore takes and refuses, the shape of the new instance, and the record, without Terraform."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from typer.testing import CliRunner

from deployments.aquamark.day2.commands import app
from operations.console import new_console
from operations.errors import OperatorError
from operations.restore import database
from operations.restore.database import DatabaseRestore
from operations.restore.instance_shape import InstanceShape
from operations.restore.place import DatabasePlace
from operations.restore.record import DatabaseRestoration, RestoreRecord
from operations.restore.source import Moment, Snapshot
from operations.stacks import Stack

STATE: dict[str, Any] = {
    "engine": "postgres", "engine_version": "16", "engine_version_actual": "16.9", "username": "postgres",
    "storage_encrypted": True, "db_name": "aquamark", "db_subnet_group_name": "subnets",
    "vpc_security_group_ids": ["sg-1"], "backup_retention_period": 7, "backup_window": "13:00-13:30",
    "maintenance_window": "mon:03:00-mon:03:30", "ca_cert_identifier": "rds-ca-rsa2048-g1", "monitoring_interval": 60,
    "monitoring_role_arn": "arn:aws:iam::123456789012:role/monitoring", "max_allocated_storage": 400,
    "allocated_storage": 100, "performance_insights_enabled": True, "performance_insights_retention_period": 7,
}  # fmt: skip
INSTANCE: dict[str, Any] = {
    "DBInstanceIdentifier": "new", "Engine": "postgres", "MasterUsername": "postgres", "DBName": "aquamark",
    "StorageEncrypted": True, "DBSubnetGroup": {"DBSubnetGroupName": "subnets"}, "PubliclyAccessible": False,
    "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-1"}], "BackupRetentionPeriod": 1, "AllocatedStorage": 100,
    "PreferredBackupWindow": "13:00-13:30", "PreferredMaintenanceWindow": "mon:03:00-mon:03:30",
    "CACertificateIdentifier": "rds-ca-rsa2048-g1", "MonitoringInterval": 0,
}  # fmt: skip


def place(aws: Callable[..., Any]) -> DatabasePlace:
    """A database of a stack whose AWS is the emulator."""
    stack = Stack("aquamark-dev", "aquamark", "dev", Path(), "eu-central-1", "123456789012", None)
    reached: Any = SimpleNamespace(client=lambda service, region: aws(service, region=region))
    return DatabasePlace(reached, stack, Path(), "aws_db_instance.database", "database", "quintet x restore", "check")


@pytest.fixture
def rds(aws: Callable[..., Any]) -> Any:
    client = aws("rds")
    client.create_db_instance(
        DBInstanceIdentifier="database", DBInstanceClass="db.t3.medium", Engine="postgres", EngineVersion="16.9",
        AllocatedStorage=100, MasterUsername="postgres", ManageMasterUserPassword=True, StorageEncrypted=True,
    )  # fmt: skip
    client.create_db_snapshot(DBInstanceIdentifier="database", DBSnapshotIdentifier="sunday")
    return client


def test_a_snapshot_may_be_named_as_aws_backup_names_it() -> None:
    arn = "arn:aws:rds:ap-southeast-2:123456789012:snapshot:awsbackup:job-0e5d"
    assert Snapshot.of(arn) == Snapshot("awsbackup:job-0e5d")
    assert Snapshot.of("rds:aquamark-2026-11-20-16-02") == Snapshot("rds:aquamark-2026-11-20-16-02")


def test_a_snapshot_that_fits_is_taken_and_one_that_is_not_there_is_answered_with_those_that_are(rds: Any) -> None:
    Snapshot("sunday").check(rds, "database", STATE)
    with pytest.raises(OperatorError, match=r"no snapshot monday; the newest are: .*sunday"):
        Snapshot("monday").check(rds, "database", STATE)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"engine_version_actual": "15.8"}, "of postgres 16 of postgres, encrypted, the database of postgres 15"),
        ({"username": "other"}, "the database of postgres 16 of other"),
        ({"storage_encrypted": False}, "not encrypted"),
    ],
)
def test_a_snapshot_that_terraform_would_replace_is_refused(rds: Any, changed: dict[str, Any], said: str) -> None:
    with pytest.raises(OperatorError, match=said):
        Snapshot("sunday").check(rds, "database", {**STATE, **changed})


@pytest.mark.parametrize("text", ["yesterday", "2026-11-20", "2026-11-20T09:30:00", ""])
def test_a_time_without_its_zone_is_refused(text: str) -> None:
    with pytest.raises(OperatorError, match="is not a time"):
        Moment.of(text)


def test_a_time_is_the_same_restore_however_its_zone_is_written() -> None:
    assert str(Moment.of("2026-11-20T20:30:00+11:00")) == str(Moment.of("2026-11-20T09:30:00+00:00"))
    assert str(Moment.of("latest")) == "time latest"


def test_a_moment_to_come_is_refused(rds: Any) -> None:
    Moment(None).check(rds, "database", STATE)
    with pytest.raises(OperatorError, match="cannot be restored to"):
        Moment(datetime.now(UTC) + timedelta(hours=1)).check(rds, "database", STATE)


def test_a_database_without_backups_has_no_moment(rds: Any) -> None:
    with pytest.raises(OperatorError, match="database has no automated backups"):
        Moment(None).check(rds, "database", {**STATE, "backup_retention_period": 0})


def test_the_new_instance_is_given_what_a_restore_leaves_out_and_nothing_twice() -> None:
    shape = InstanceShape(STATE)
    made = shape.changes(INSTANCE)
    assert made == {
        "BackupRetentionPeriod": 7, "MonitoringInterval": 60,
        "MonitoringRoleArn": "arn:aws:iam::123456789012:role/monitoring", "MaxAllocatedStorage": 400,
        "EnablePerformanceInsights": True, "PerformanceInsightsRetentionPeriod": 7, "ManageMasterUserPassword": True,
    }  # fmt: skip
    after = {
        **INSTANCE, "BackupRetentionPeriod": 7, "MonitoringInterval": 60, "MaxAllocatedStorage": 400,
        "PerformanceInsightsEnabled": True, "MasterUserSecret": {"SecretStatus": "active"},
    }  # fmt: skip
    assert shape.changes(after) == {}


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"StorageEncrypted": False}, "encryption is False"),
        ({"DBName": "other"}, "database is other"),
        ({"PubliclyAccessible": True}, "public access is True"),
        ({"VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-2"}]}, "security groups is"),
    ],
)
def test_an_instance_that_terraform_would_replace_or_the_world_could_reach_is_never_switched_to(
    changed: dict[str, Any], said: str
) -> None:
    InstanceShape(STATE).check(INSTANCE)
    with pytest.raises(OperatorError, match=said):
        InstanceShape(STATE).check({**INSTANCE, **changed})


def test_two_operators_do_not_begin_a_restore_at_once(aws: Callable[..., Any]) -> None:
    record = RestoreRecord(place(aws))
    assert record.read() is None
    begun = DatabaseRestoration("snapshot sunday", "20261121-060000", old="db-OLD")
    record.begin(begun, after=None)
    with pytest.raises(OperatorError, match="Somebody else"):
        record.begin(begun, after=None)
    assert record.read() == begun


def test_there_is_nothing_to_give_up_before_a_restore(aws: Callable[..., Any]) -> None:
    application: Any = SimpleNamespace(place=place(aws))
    with pytest.raises(OperatorError, match="No restore is under way"):
        DatabaseRestore(application, Snapshot("")).abandon(new_console(file=io.StringIO()))


@pytest.mark.parametrize("words", [[], ["sunday", "--to", "latest"], ["sunday", "--abandon"]])
def test_one_source_is_wanted_and_no_more(words: list[str]) -> None:
    assert CliRunner().invoke(app, ["restore", *words]).exit_code == 2


def test_a_restore_is_one_operators_at_a_time(monkeypatch: pytest.MonkeyPatch, aws: Callable[..., Any]) -> None:
    def held(reached: object, stack: Stack, operation: str, *, dry_run: bool) -> NoReturn:
        raise OperatorError(f"somebody else runs {operation} of {stack.name}, dry run {dry_run}")

    monkeypatch.setattr(database, "one_operator", held)
    application: Any = SimpleNamespace(place=place(aws))
    with pytest.raises(OperatorError, match="somebody else runs restore of aquamark-dev, dry run False"):
        DatabaseRestore(application, Snapshot("")).run(new_console(file=io.StringIO()))
    with pytest.raises(OperatorError, match="somebody else runs restore of aquamark-dev, dry run True"):
        DatabaseRestore(application, Snapshot(""), dry_run=True).abandon(new_console(file=io.StringIO()))


@pytest.mark.parametrize(
    ("engine", "version", "other", "fits"),
    [("mysql", "8.4.5", "8.0.42", False), ("mysql", "8.4.5", "8.4.3", True), ("postgres", "16.9", "16.4", True)],
)
def test_a_snapshot_of_another_release_series_is_refused(
    aws: Callable[..., Any], engine: str, version: str, other: str, fits: bool
) -> None:
    rds = aws("rds")
    rds.create_db_instance(
        DBInstanceIdentifier="old", DBInstanceClass="db.t3.medium", Engine=engine, EngineVersion=other,
        AllocatedStorage=20, MasterUsername="operator", ManageMasterUserPassword=True, StorageEncrypted=True,
    )  # fmt: skip
    rds.create_db_snapshot(DBInstanceIdentifier="old", DBSnapshotIdentifier="then")
    held = {"engine": engine, "engine_version": version, "username": "operator", "storage_encrypted": True}
    if fits:
        Snapshot("then").check(rds, "old", held)
        return
    with pytest.raises(OperatorError, match=r"is of mysql 8\.0 .* the database of mysql 8\.4"):
        Snapshot("then").check(rds, "old", held)
