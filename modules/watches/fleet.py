"""What to watch of a fleet."""

from __future__ import annotations

from functools import partial

from modules.watches.watch import Watch


def fleet_watches(group_name: str, min_size: int) -> list[Watch]:
    """CPU, EC2's own checks and, unless the group may be empty, whether `min_size` instances are in service."""
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
                description="Instances do not stay in service: look at the group's activities and the boot log",
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
