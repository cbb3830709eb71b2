"""`quintet status`: how applied stacks run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.server import Emulator
from operations import cli
from operations.plans.record import PlannedStack, RunRecord
from tests.operations.running.applied import AppliedOnEmulator, apply

ALARM = {"aws_cloudwatch_metric_alarm.cpu": {"alarm_name": "example-cpu"}}
DATABASE = {
    "aws_db_instance.database": {
        "identifier": "example-database",
        "engine": "mysql",
        "engine_version": "8.4",
        "engine_version_actual": "8.4.6",
        "engine_lifecycle_support": "open-source-rds-extended-support-disabled",
    }
}
Status = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def applied(tmp_path: Path, emulator: Emulator, account: str, monkeypatch: pytest.MonkeyPatch) -> AppliedOnEmulator:
    """A stack with an alarm and a database, both well."""
    made = apply(tmp_path, emulator, account, {**ALARM, **DATABASE})
    made.client("rds").create_db_instance(
        DBInstanceIdentifier="example-database",
        Engine="mysql",
        EngineVersion="8.4.6",
        DBInstanceClass="db.t4g.micro",
        AllocatedStorage=20,
        MasterUsername="admin",
        ManageMasterUserPassword=True,
    )
    made.client("cloudwatch").put_metric_alarm(
        AlarmName="example-cpu",
        MetricName="CPUUtilization",
        Namespace="AWS/EC2",
        Statistic="Average",
        Period=60,
        EvaluationPeriods=1,
        Threshold=90,
        ComparisonOperator="GreaterThanThreshold",
    )
    made.lead_there(monkeypatch)
    return made


@pytest.fixture
def status(applied: AppliedOnEmulator, capsys: pytest.CaptureFixture[str]) -> Status:
    """Runs the command line; its exit code and the row of the stack."""

    def run(stack: str = "example-test") -> tuple[int, dict[str, Any]]:
        code = cli.run(["status", stack, "--json"])
        (row,) = json.loads(capsys.readouterr().out)["stacks"]
        return code, row

    return run


def test_a_healthy_stack_is_exit_code_0_with_the_end_of_its_databases_support(status: Status) -> None:
    code, row = status()
    assert (code, row["applied"], row["health"], row["alarms"], row["problem"]) == (0, True, [], [], None)
    assert row["databases"] == ["example-database: mysql 8.4.6, until 2029-07-31"]


def test_an_alarm_is_named_and_exit_code_1(applied: AppliedOnEmulator, status: Status) -> None:
    applied.client("cloudwatch").set_alarm_state(AlarmName="example-cpu", StateValue="ALARM", StateReason="test")
    code, row = status()
    assert (code, row["alarms"]) == (1, ["example-cpu"])


def test_a_database_that_is_not_available_is_named_and_exit_code_1(applied: AppliedOnEmulator, status: Status) -> None:
    applied.client("rds").stop_db_instance(DBInstanceIdentifier="example-database")
    code, row = status()
    assert (code, row["health"]) == (1, ["example-database: stopped"])


def test_a_group_that_lacks_instances_is_named(
    tmp_path: Path, emulator: Emulator, account: str, monkeypatch: pytest.MonkeyPatch, status: Status
) -> None:
    made = apply(tmp_path / "two", emulator, f"2{account[1:]}", {"aws_autoscaling_group.web": {"name": "example-web"}})
    template = made.client("ec2").create_launch_template(
        LaunchTemplateName="web", LaunchTemplateData={"ImageId": "ami-12c6146b", "InstanceType": "t3.micro"}
    )
    group = made.client("autoscaling")
    group.create_auto_scaling_group(
        AutoScalingGroupName="example-web",
        MinSize=1,
        MaxSize=1,
        AvailabilityZones=["eu-central-1a"],
        LaunchTemplate={"LaunchTemplateId": template["LaunchTemplate"]["LaunchTemplateId"], "Version": "1"},
    )
    made.lead_there(monkeypatch)
    assert status()[0] == 0
    (instance,) = group.describe_auto_scaling_instances()["AutoScalingInstances"]
    group.set_instance_health(InstanceId=instance["InstanceId"], HealthStatus="Unhealthy")
    assert status()[1]["health"] == ["example-web: 0 of 1 instances in service"]


def test_the_table_names_resources_without_their_stacks_name(
    tmp_path: Path,
    emulator: Emulator,
    account: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    name = "example-test-web"
    made = apply(tmp_path / "three", emulator, f"3{account[1:]}", {"aws_autoscaling_group.web": {"name": name}})
    made.lead_there(monkeypatch)
    made.client("ec2").create_launch_template(
        LaunchTemplateName="web", LaunchTemplateData={"ImageId": "ami-12c6146b", "InstanceType": "t3.micro"}
    )
    group = made.client("autoscaling")
    group.create_auto_scaling_group(
        AutoScalingGroupName=name,
        MinSize=1,
        MaxSize=1,
        AvailabilityZones=["eu-central-1a"],
        LaunchTemplate={"LaunchTemplateName": "web", "Version": "1"},
    )
    (instance,) = group.describe_auto_scaling_instances()["AutoScalingInstances"]
    group.set_instance_health(InstanceId=instance["InstanceId"], HealthStatus="Unhealthy")
    monkeypatch.setenv("COLUMNS", "80")
    assert cli.run(["status", "example-test"]) == 1
    printed = capsys.readouterr().out
    assert "web: 0 of 1" in printed
    assert name not in printed


def test_a_drift_run_counts_when_it_reached_the_stack(applied: AppliedOnEmulator, status: Status) -> None:
    assert status()[1]["drift_looked_at"] is None
    for name, outcome in (("20260101-100000-drift-1", "no changes"), ("20260102-100000-drift-2", "failed")):
        folder = applied.root / ".runs" / name
        folder.mkdir(parents=True)
        planned = PlannedStack.model_validate({"name": "example-test", "outcome": outcome})
        RunRecord(purpose="drift", terraform="1.11.4", stacks=(planned,)).save(folder)
    assert status()[1]["drift_looked_at"].startswith("2026-01-01T")


def test_a_stack_that_was_never_applied_is_no_failure(applied: AppliedOnEmulator, status: Status) -> None:
    backend = applied.stack.state
    applied.client("s3").delete_object(Bucket=backend.bucket, Key=backend.key)
    code, row = status()
    assert (code, row["applied"], row["health"]) == (0, False, None)


def test_a_stack_of_another_account_is_a_problem_in_its_row_and_exit_code_1(
    applied: AppliedOnEmulator, status: Status, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = emulator.environment(account_id="999988887777", region="eu-central-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", elsewhere["AWS_ACCESS_KEY_ID"])
    code, row = status()
    assert code == 1
    assert "These AWS credentials are for account 999988887777" in row["problem"]
