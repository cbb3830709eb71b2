"""Health of the parts of an applied stack, as AWS reports it, and alarms that are in ALARM."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from operations.running.applied_stack import AppliedStack

_ALARMS_AT_ONCE: Final = 100
"""Names that DescribeAlarms takes. Source: its API reference, read 2026-11-29."""


def unhealthy_parts(applied: AppliedStack) -> list[str]:
    """One sentence about each part that AWS does not call healthy. Raises what botocore raises."""
    return [sentence for judge in _JUDGES for sentence in judge(applied)]


def alarms(applied: AppliedStack) -> list[str]:
    """Names of the stack's alarms that are in ALARM. Raises what botocore raises."""
    names = [
        *applied.names("aws_cloudwatch_metric_alarm", "alarm_name"),
        *applied.names("aws_cloudwatch_composite_alarm", "alarm_name"),
    ]
    client = applied.client("cloudwatch")
    found: list[str] = []
    for start in range(0, len(names), _ALARMS_AT_ONCE):
        answer = client.describe_alarms(
            AlarmNames=names[start : start + _ALARMS_AT_ONCE],
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
        )
        several = (*answer["MetricAlarms"], *answer["CompositeAlarms"])
        found += [each["AlarmName"] for each in several if each["StateValue"] == "ALARM"]
    return sorted(found)


def _target_groups(applied: AppliedStack) -> Iterator[str]:
    for target_group in applied.of_type("aws_lb_target_group").values():
        answer = applied.client("elbv2").describe_target_health(TargetGroupArn=target_group["arn"])
        states = [each["TargetHealth"]["State"] for each in answer["TargetHealthDescriptions"]]
        healthy = states.count("healthy")
        if healthy < len(states) or not states:
            yield f"{target_group['name']}: {healthy} of {len(states)} targets healthy"


def _groups(applied: AppliedStack) -> Iterator[str]:
    names = applied.names("aws_autoscaling_group")
    if not names:
        return
    for page in (
        applied.client("autoscaling")
        .get_paginator("describe_auto_scaling_groups")
        .paginate(AutoScalingGroupNames=list(names))
    ):
        for group in page["AutoScalingGroups"]:
            serving = sum(
                each["LifecycleState"] == "InService" and each["HealthStatus"] == "Healthy"
                for each in group["Instances"]
            )
            if serving < group["DesiredCapacity"]:
                yield f"{group['AutoScalingGroupName']}: {serving} of {group['DesiredCapacity']} instances in service"


def _beanstalk(applied: AppliedStack) -> Iterator[str]:
    names = applied.names("aws_elastic_beanstalk_environment")
    if not names:
        return
    answer = applied.client("elasticbeanstalk").describe_environments(EnvironmentNames=list(names))
    for found in answer["Environments"]:
        if found["Status"] == "Ready" and found.get("Health") == "Green":
            continue
        if found["Status"] != "Terminated":
            yield f"{found['EnvironmentName']}: {found['Status']}, {found.get('Health')}"


def _database_instances(applied: AppliedStack) -> Iterator[str]:
    for name in (
        *applied.names("aws_db_instance", "identifier"),
        *applied.names("aws_rds_cluster_instance", "identifier"),
    ):
        found = applied.client("rds").describe_db_instances(DBInstanceIdentifier=name)["DBInstances"]
        yield from (f"{name}: {each['DBInstanceStatus']}" for each in found if each["DBInstanceStatus"] != "available")


def _caches(applied: AppliedStack) -> Iterator[str]:
    client = applied.client("elasticache")
    for name in applied.names("aws_elasticache_replication_group", "replication_group_id"):
        found = client.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"]
        yield from (f"{name}: {each['Status']}" for each in found if each["Status"] != "available")
    for name in applied.names("aws_elasticache_cluster", "cluster_id"):
        clusters = client.describe_cache_clusters(CacheClusterId=name)["CacheClusters"]
        yield from (
            f"{name}: {each['CacheClusterStatus']}" for each in clusters if each["CacheClusterStatus"] != "available"
        )


def _state_machines(applied: AppliedStack) -> Iterator[str]:
    for machine in applied.of_type("aws_sfn_state_machine").values():
        latest: list[Mapping[str, Any]] = applied.client("stepfunctions").list_executions(
            stateMachineArn=machine["arn"], maxResults=1
        )["executions"]
        yield from (
            f"{machine['name']}: the latest execution is {each['status']}"
            for each in latest
            if each["status"] not in ("RUNNING", "SUCCEEDED", "PENDING_REDRIVE")
        )


_JUDGES: Final[tuple[Callable[[AppliedStack], Iterator[str]], ...]] = (
    _target_groups,
    _groups,
    _beanstalk,
    _database_instances,
    _caches,
    _state_machines,
)
