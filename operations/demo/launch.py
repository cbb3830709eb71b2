"""The hosts of an Auto Scaling group: the instances it holds, and all they boot from."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from operations.demo.check import CheckContext

_GZIP = b"\x1f\x8b"


class GroupLaunch(NamedTuple):
    """An Auto Scaling group as it was applied."""

    instances: Sequence[str]
    user_data: str
    """User data of the newest version of its launch template."""
    role_arn: str


def launch_of(context: CheckContext, group: str) -> GroupLaunch:
    """The launch of the group of this name. Raises what botocore raises."""
    (found,) = context.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[group])[
        "AutoScalingGroups"
    ]
    (version,) = context.client("ec2").describe_launch_template_versions(
        LaunchTemplateId=found["LaunchTemplate"]["LaunchTemplateId"], Versions=["$Latest"]
    )["LaunchTemplateVersions"]
    template = version["LaunchTemplateData"]
    data = base64.b64decode(template["UserData"])
    profile = template["IamInstanceProfile"]
    name = profile.get("Name") or profile["Arn"].rpartition("/")[2]
    answer = context.client("iam").get_instance_profile(InstanceProfileName=name)
    return GroupLaunch(
        [instance["InstanceId"] for instance in found["Instances"]],
        (gzip.decompress(data) if data.startswith(_GZIP) else data).decode(),
        answer["InstanceProfile"]["Roles"][0]["Arn"],
    )
