"""An Auto Scaling group at work: which instances it has, and replacing them one after another."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from mypy_boto3_autoscaling.type_defs import RefreshPreferencesTypeDef

    from operations.aws import Aws

POLL_SECONDS = 10.0
SUCCESSFUL = "Successful"
_OVER = (SUCCESSFUL, "Failed", "Cancelled", "RollbackSuccessful", "RollbackFailed")
_PREFERENCES: RefreshPreferencesTypeDef = {
    # a new instance is in service before an old one goes
    "MinHealthyPercentage": 100,
    "MaxHealthyPercentage": 150,
    # what an instance fetches at boot has changed, its launch template has not
    "SkipMatching": False,
}


@dataclass(frozen=True)
class Refresh:
    """An instance refresh as its group reports it: AWS's status, how many percent are done, and AWS's reason."""

    id: str
    status: str
    percent: int
    reason: str

    @property
    def active(self) -> bool:
        """True until it is over."""
        return self.status not in _OVER

    def __str__(self) -> str:
        return f"{self.status}, {self.percent} %" + (f": {self.reason}" if self.reason else "")


class AutoScalingGroup:
    """An Auto Scaling group. Methods raise what botocore raises (see `operations.aws.refusals_explained`)."""

    def __init__(self, aws: Aws, name: str, *, region: str, poll_seconds: float = POLL_SECONDS) -> None:
        self.name = name
        self._autoscaling = aws.client("autoscaling", region=region)
        self._aws = aws
        self._region = region
        self._poll_seconds = poll_seconds

    def instances(self) -> list[str]:
        """The ids of its instances; none when there is no such group."""
        groups = self._autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[self.name])
        return [entry["InstanceId"] for group in groups["AutoScalingGroups"] for entry in group["Instances"]]

    def launched_before(self, moment: datetime) -> list[str]:
        """The ids of its instances that were launched before `moment`."""
        ids = self.instances()
        ec2 = self._aws.client("ec2", region=self._region)
        # by filter: an instance that ended meanwhile is no error then
        pages = ec2.get_paginator("describe_instances").paginate(Filters=[{"Name": "instance-id", "Values": ids}])
        reservations = [reservation for page in pages for reservation in page["Reservations"]] if ids else []
        found = [instance for reservation in reservations for instance in reservation["Instances"]]
        return [instance["InstanceId"] for instance in found if instance["LaunchTime"] < moment]

    def outdated(self) -> list[str]:
        """The ids of its instances that were launched from another version of the launch template than the group's."""
        (group,) = self._autoscaling.describe_auto_scaling_groups(AutoScalingGroupNames=[self.name])[
            "AutoScalingGroups"
        ]
        wanted = group["LaunchTemplate"]["Version"]
        return [
            entry["InstanceId"]
            for entry in group["Instances"]
            if entry.get("LaunchTemplate", {}).get("Version") != wanted
        ]

    def active_refresh(self) -> Refresh | None:
        """The refresh that is under way, whoever has started it."""
        return next((refresh for refresh in self._refreshes() if refresh.active), None)

    def start_refresh(self) -> Refresh:
        """Begin to replace every instance. AWS allows one refresh at a time."""
        started = self._autoscaling.start_instance_refresh(AutoScalingGroupName=self.name, Preferences=_PREFERENCES)
        return Refresh(started["InstanceRefreshId"], "Pending", 0, "")

    def follow(self, refresh: Refresh, report: Callable[[Refresh], None], *, timeout_seconds: float) -> Refresh:
        """Wait until the refresh is over, reporting each look at it, and return it as it ended.

        After `timeout_seconds` it is cancelled and returned as it stood, with that as its reason.
        """
        give_up = time.monotonic() + timeout_seconds
        while True:
            (refresh,) = self._refreshes(InstanceRefreshIds=[refresh.id])
            report(refresh)
            if not refresh.active:
                return refresh
            if time.monotonic() >= give_up:
                self._cancel()
                return replace(refresh, reason=f"cancelled, as it was not done after {timeout_seconds / 60:.0f} min")
            time.sleep(self._poll_seconds)

    def _cancel(self) -> None:
        try:
            self._autoscaling.cancel_instance_refresh(AutoScalingGroupName=self.name)
        except self._autoscaling.exceptions.ActiveInstanceRefreshNotFoundFault:
            return  # it has ended at the last moment

    def _refreshes(self, **which: Any) -> list[Refresh]:
        answer = self._autoscaling.describe_instance_refreshes(AutoScalingGroupName=self.name, **which)
        return [
            Refresh(
                id=found["InstanceRefreshId"],
                status=found["Status"],
                percent=found.get("PercentageComplete", 0),
                reason=found.get("StatusReason", ""),
            )
            for found in answer["InstanceRefreshes"]
        ]
