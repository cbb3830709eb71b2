"""Watches of a fleet."""

from __future__ import annotations

from functools import partial

from modules.watches.watch import Watch


def fleet_watches(group_name: str, min_size: int, boot_log_group: str | None) -> list[Watch]:
    """CPU, EC2's own checks and, unless the group may be empty, whether `min_size` instances are in service."""
    boot_log = f"the log group {boot_log_group}, stream INSTANCE/first-boot" if boot_log_group else "the boot log"
    watch = partial(Watch, dimensions={"AutoScalingGroupName": group_name})
    watches = [
        watch(
            role="cpu",
            description="The instances are busy although the group may grow: raise max_size or instance_type",
            namespace="AWS/EC2",
            metric_name="CPUUtilization",
            threshold=90,
            period_seconds=300,
            evaluation_periods=3,
        ),
        watch(
            role="status_check",
            description="An instance or its host fails EC2's own checks and is not replaced within minutes",
            namespace="AWS/EC2",
            metric_name="StatusCheckFailed",
            statistic="Maximum",
            threshold=0,
        ),
    ]
    if min_size:
        watches.append(
            watch(
                role="in_service",
                description=f"Instances do not stay in service: look at the group's activities and {boot_log}",
                namespace="AWS/AutoScaling",
                metric_name="GroupInServiceInstances",
                statistic="Minimum",
                comparison="LessThanThreshold",
                threshold=min_size,
                evaluation_periods=10,
                missing_data="breaching",
            )
        )
    return watches
