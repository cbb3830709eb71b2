"""Log groups, snapshots and interfaces that AWS makes beside a stack, and that its destruction does not remove.

Lambda and RDS create a log group anew when they write after Terraform has deleted it; RDS keeps a last snapshot where
settings ask for one; Lambda gives network interfaces back minutes later.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from operations.aws import refusals_explained

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_ec2.type_defs import FilterTypeDef

    from operations.aws import Aws
    from operations.stacks import Stack


def left_behind(aws: Aws, stack: Stack) -> set[str]:
    """Names of what bears the stack's in its region, with the kind of each; also of what its Terraform JSON declares.

    Raises OperatorError when AWS refuses.
    """
    with refusals_explained():
        return {*_log_groups(aws, stack), *_snapshots(aws, stack), *_interfaces(aws, stack)}


def _log_groups(aws: Aws, stack: Stack) -> Iterator[str]:
    own = re.compile(rf"(?<![\w-]){re.escape(stack.name)}(?![A-Za-z0-9])")  # not those of a stack `…-dev2`
    logs = aws.client("logs", region=stack.region)
    for page in logs.get_paginator("describe_log_groups").paginate(logGroupNamePattern=stack.name):
        names = (str(group["logGroupName"]) for group in page["logGroups"])
        yield from (f"log group {name}" for name in names if own.search(name))


def _snapshots(aws: Aws, stack: Stack) -> Iterator[str]:
    rds = aws.client("rds", region=stack.region)
    begins = f"{stack.name}-"
    for page in rds.get_paginator("describe_db_snapshots").paginate(SnapshotType="manual"):
        for found in page["DBSnapshots"]:
            if found["DBInstanceIdentifier"].startswith(begins):
                yield f"database snapshot {found['DBSnapshotIdentifier']}"
    for of_clusters in rds.get_paginator("describe_db_cluster_snapshots").paginate(SnapshotType="manual"):
        for snapshot in of_clusters["DBClusterSnapshots"]:
            if snapshot["DBClusterIdentifier"].startswith(begins):
                yield f"cluster snapshot {snapshot['DBClusterSnapshotIdentifier']}"


def _interfaces(aws: Aws, stack: Stack) -> Iterator[str]:
    ec2 = aws.client("ec2", region=stack.region)
    of_stack: list[FilterTypeDef] = [{"Name": "description", "Values": [f"AWS Lambda VPC ENI-{stack.name}-*"]}]
    for page in ec2.get_paginator("describe_network_interfaces").paginate(Filters=of_stack):
        yield from (f"network interface {found['NetworkInterfaceId']}" for found in page["NetworkInterfaces"])
