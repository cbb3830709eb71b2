"""Watches of a Beanstalk environment."""

from __future__ import annotations

from functools import partial

from modules.watches.watch import Watch

ENVIRONMENT_METRICS = {
    "ApplicationLatencyP99": 60,
    "ApplicationRequests5xx": 60,
    "ApplicationRequestsTotal": 60,
    "InstancesSevere": 60,
}
"""Metrics that enhanced health sends to CloudWatch beside the health itself, and their period in seconds."""

_DEGRADED = 20
"""0 ok, 1 info, 5 unknown, 10 no data, 15 warning, 20 degraded, 25 severe."""


def beanstalk_watches(environment_name: str) -> list[Watch]:
    """Health, failing requests and slow requests of the environment."""
    watch = partial(Watch, namespace="AWS/ElasticBeanstalk", dimensions={"EnvironmentName": environment_name})
    return [
        watch(
            role="health",
            description="The environment is degraded: its health page and its events say which instances and why",
            metric_name="EnvironmentHealth",
            statistic="Maximum",
            comparison="GreaterThanOrEqualToThreshold",
            threshold=_DEGRADED,
        ),
        watch(
            role="errors",
            description="Requests fail on the server: look at the PHP log; deadlocks come from triggers left behind",
            metric_name="ApplicationRequests5xx",
            statistic="Sum",
            threshold=10,
            evaluation_periods=3,
        ),
        watch(
            role="latency",
            description="One request in a hundred takes more than three seconds: look at the database (diagnose)",
            metric_name="ApplicationLatencyP99",
            threshold=3,
            evaluation_periods=10,
        ),
    ]
