"""Log groups, snapshots and interfaces that a destruction leaves, on the emulator."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from operations.aws import Aws
from operations.stacks import Stack
from operations.trial.left_behind import left_behind

pytestmark = pytest.mark.emulator
STACK = Stack("x-dev", "x", "dev", Path(), "eu-central-1", "123456789012", None)


def test_what_bears_the_stacks_name_is_named_and_what_others_have_is_not(aws: Callable[..., Any]) -> None:
    logs, rds, ec2 = aws("logs"), aws("rds"), aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.9.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.9.0.0/24")["Subnet"]["SubnetId"]
    ids = {}
    for name in ("x-dev-a", "x-dev2-a", "of-x-dev-a"):
        logs.create_log_group(logGroupName=f"/aws/rds/instance/{name}/error")
        rds.create_db_instance(
            DBInstanceIdentifier=name, DBInstanceClass="db.t3.micro", Engine="mysql", AllocatedStorage=20,
            MasterUsername="root", MasterUserPassword="long-enough",
        )  # fmt: skip
        rds.create_db_snapshot(DBInstanceIdentifier=name, DBSnapshotIdentifier=f"last-of-{name}")
        made = ec2.create_network_interface(SubnetId=subnet, Description=f"AWS Lambda VPC ENI-{name}-1")
        ids[name] = made["NetworkInterface"]["NetworkInterfaceId"]
    account = SimpleNamespace(client=lambda service, region: aws(service, region=region))
    assert left_behind(cast("Aws", account), STACK) == {
        "log group /aws/rds/instance/x-dev-a/error",
        "database snapshot last-of-x-dev-a",
        f"network interface {ids['x-dev-a']}",
    }
