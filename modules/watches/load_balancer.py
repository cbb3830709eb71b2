"""Watches of a load balancer."""

from __future__ import annotations

from functools import partial

from modules.watches.watch import Watch


def load_balancer_watches(arn_suffix: str, target_group_arn_suffix: str) -> list[Watch]:
    """Errors, latency and the instances that fail their health check.

    The arguments are how CloudWatch names the two: the ends of their ARNs.
    """
    watch = partial(Watch, namespace="AWS/ApplicationELB", dimensions={"LoadBalancer": arn_suffix})
    in_five_minutes = partial(watch, statistic="Sum", threshold=10, period_seconds=300, evaluation_periods=1)
    return [
        in_five_minutes(
            role="5xx",
            description="The load balancer itself answers with errors: no instance is healthy, or none answers in time",
            metric_name="HTTPCode_ELB_5XX_Count",
        ),
        in_five_minutes(
            role="target_5xx",
            description="The application answers with errors: look at its log",
            metric_name="HTTPCode_Target_5XX_Count",
        ),
        watch(
            role="latency",
            description="One answer in twenty takes longer than two seconds: look at the database and at the CPU",
            metric_name="TargetResponseTime",
            statistic="p95",
            threshold=2,
        ),
        watch(
            role="unhealthy_hosts",
            description="An instance fails its health check and is not replaced in time: look at its boot log",
            metric_name="UnHealthyHostCount",
            dimensions={"LoadBalancer": arn_suffix, "TargetGroup": target_group_arn_suffix},
            statistic="Maximum",
            threshold=0,
            evaluation_periods=10,
        ),
    ]
