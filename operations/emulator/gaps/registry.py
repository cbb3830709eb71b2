"""All gaps, in the order they are filled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from operations.emulator.gaps import (
    autoscaling,
    cloudwatch,
    ec2,
    elasticache_clusters,
    elasticache_common,
    elasticache_groups,
    elasticache_replication_groups,
    elasticache_serverless,
    elb,
    elbv2,
    logs,
    rds,
    route53,
    s3,
)

if TYPE_CHECKING:
    from operations.emulator.gap import Gap

GAPS: tuple[Gap, ...] = (
    autoscaling.GAP,
    cloudwatch.GAP,
    ec2.GAP,
    elasticache_clusters.GAP,
    elasticache_common.GAP,
    elasticache_groups.GAP,
    elasticache_replication_groups.GAP,
    elasticache_serverless.GAP,
    elb.GAP,
    elbv2.GAP,
    logs.GAP,
    rds.GAP,
    route53.GAP,
    s3.GAP,
)
