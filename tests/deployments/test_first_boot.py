"""A first boot that cannot succeed: its log reaches CloudWatch without any package, and the host ends itself."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from config.settings import ROOT
from emulator.server import Emulator
from modules.policy import assumed_by
from modules.user_data import render
from operations.aws import Aws
from operations.engines.host import INSTANCE_ID, Host, HostSurroundings
from operations.engines.keys import keys_of
from tests.deployments.stack_json import StackJson
from tests.generated.released import NAMES

REGION = "eu-central-1"
GROUP = "/quintet/fleet/boot"
USER_DATA = sorted((ROOT / "deployments").glob("*/runtime/user_data.sh"))
VARIABLES = {"suai_cloud_app": "SUAICLOUDAPP_ROOT", "sync_storage": "SYNCSTORAGE_ROOT", "aquamark": "AQUAMARK_ROOT"}
WRITE_LOG = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": ["logs:CreateLogStream", "logs:PutLogEvents"],
            "Resource": [f"arn:aws:logs:*:*:log-group:{GROUP}:*"],
        }
    ],
}


def rendered(path: Path) -> str:
    """User data with values that nothing reads before packages are installed."""
    names = set(re.findall(r"@\{(?:[a-z]+:)?(\w+)\}", path.read_text()))
    return render(path, **{name: name for name in names} | {"region": REGION, "boot_log_group": GROUP})


def host_of(path: Path, root: Path, environment: dict[str, str]) -> Host:
    return Host(root, {**environment, VARIABLES[path.parts[-3]]: str(root)})


@pytest.fixture
def role(emulator: Emulator, account: str, aws: Callable[..., Any]) -> dict[str, str]:
    """The environment of a host whose role may write its boot log, and nothing else."""
    aws("logs").create_log_group(logGroupName=GROUP)
    arn = aws("iam").create_role(RoleName="host", AssumeRolePolicyDocument=assumed_by("ec2.amazonaws.com"))["Role"][
        "Arn"
    ]
    aws("iam").put_role_policy(RoleName="host", PolicyName="log", PolicyDocument=json.dumps(WRITE_LOG))
    operator = Aws(emulator.environment(account_id=account, region=REGION))
    return emulator.full_environment(account_id=account, region=REGION) | keys_of(operator, arn, region=REGION)


def test_every_deployment_with_hosts_is_booted_here() -> None:
    assert {path.parts[-3] for path in USER_DATA} == VARIABLES.keys()


@pytest.mark.parametrize("path", USER_DATA, ids=lambda path: path.parts[-3])
def test_a_package_source_that_fails_for_ever_is_reported_and_ends_the_host(
    path: Path, tmp_path: Path, role: dict[str, str], aws: Callable[..., Any]
) -> None:
    host = host_of(path, tmp_path / "root", role)
    host.surround(HostSurroundings(package_failures=None))
    done = host.boot(rendered(path))
    assert done.returncode != 0
    assert "attempt 5 of 5 failed: dnf install" in done.stderr
    stream = f"{INSTANCE_ID}/first-boot"
    events = aws("logs").get_log_events(logGroupName=GROUP, logStreamName=stream, startFromHead=True)["events"]
    sent = [event["message"] for event in events]
    assert sent[0].endswith(": first boot")
    assert any("user data failed at line" in line for line in sent)
    assert any("Failed to download metadata for repo 'amazonlinux'" in line for line in sent)
    assert host.calls[-1] == "shutdown -h +10"


@pytest.mark.parametrize("path", USER_DATA, ids=lambda path: path.parts[-3])
def test_without_a_way_out_the_host_ends_itself_all_the_same(path: Path, tmp_path: Path, role: dict[str, str]) -> None:
    host = host_of(path, tmp_path / "root", role)
    host.surround(HostSurroundings(network=False))
    done = host.boot(rendered(path))
    assert done.returncode != 0
    assert f"the boot log did not reach {GROUP}" in done.stderr
    assert host.ends_itself


@pytest.mark.parametrize("stack", NAMES)
def test_a_host_that_shuts_down_is_gone_and_its_alarm_names_the_boot_log(stack: str) -> None:
    found = StackJson(stack)
    for template in found.resources("aws_launch_template").values():
        assert template["instance_initiated_shutdown_behavior"] == "terminate"
    alarms = found.resources("aws_cloudwatch_metric_alarm")
    for name, alarm in alarms.items():
        if name.endswith("_in_service"):
            assert re.search(r"/quintet/\S+/boot, stream INSTANCE/first-boot", alarm["alarm_description"]), name
