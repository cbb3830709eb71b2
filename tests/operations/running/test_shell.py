"""`quintet shell`: a session in an instance of an applied stack, by AWS's own command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from emulator.server import Emulator
from operations import cli
from tests.operations.running.applied import REGION, AppliedOnEmulator, apply

GROUP = "example-web"


@pytest.fixture
def applied(tmp_path: Path, emulator: Emulator, account: str, monkeypatch: pytest.MonkeyPatch) -> AppliedOnEmulator:
    """A stack with a group of two instances."""
    made = apply(tmp_path, emulator, account, {"aws_autoscaling_group.web": {"name": GROUP}})
    template = made.client("ec2").create_launch_template(
        LaunchTemplateName="web", LaunchTemplateData={"ImageId": "ami-12c6146b", "InstanceType": "t3.micro"}
    )
    made.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=GROUP,
        MinSize=2,
        MaxSize=2,
        AvailabilityZones=[f"{REGION}a"],
        LaunchTemplate={"LaunchTemplateId": template["LaunchTemplate"]["LaunchTemplateId"], "Version": "1"},
    )
    made.lead_there(monkeypatch)
    return made


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, *programs: str) -> Path:
    """Have nothing on PATH but these programs, which write down their arguments and end with 7."""
    folder.mkdir()
    for program in programs:
        (folder / program).write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {folder}/arguments\nexit 7\n')
        (folder / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))
    return folder / "arguments"


def test_without_a_target_the_running_instances_are_listed(
    applied: AppliedOnEmulator, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["shell", "example-test", "--json"]) == 0
    targets = json.loads(capsys.readouterr().out)["targets"]
    assert [each["part"] for each in targets] == [GROUP, GROUP]
    assert targets[0]["command"] == f"aws ssm start-session --target {targets[0]['target']} --region {REGION}"


def test_the_session_is_held_by_awss_command_line_and_its_exit_code_is_ours(
    applied: AppliedOnEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = install(tmp_path / "bin", monkeypatch, "aws", "session-manager-plugin")
    assert cli.run(["shell", "example-test", GROUP]) == 7
    said = arguments.read_text().splitlines()
    assert said[:3] == ["ssm", "start-session", "--target"]
    assert said[3].startswith("i-")
    assert said[4:] == ["--region", REGION]


def test_a_missing_plugin_is_named_with_its_manual_and_the_command_for_elsewhere(
    applied: AppliedOnEmulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = install(tmp_path / "bin", monkeypatch, "aws")
    assert cli.run(["shell", "example-test", GROUP]) == 1
    said = capsys.readouterr().err
    assert "session-manager-working-with-install-plugin" in said
    assert "aws ssm start-session --target i-" in said
    assert not arguments.exists()


def test_a_target_that_does_not_run_is_answered_with_those_that_do(
    applied: AppliedOnEmulator, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["shell", "example-test", "i-0"]) == 1
    assert "No running instance or task is called i-0; there are: i-" in capsys.readouterr().err
