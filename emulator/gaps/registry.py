"""All gaps that are filled inside moto, once, when the server starts. Image Builder stands before moto instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.gaps import (
    applicationautoscaling,
    autoscaling,
    awslambda,
    backup,
    cloudfront,
    cloudfront_policies,
    cloudwatch,
    ec2,
    ecs,
    elasticache_clusters,
    elasticache_common,
    elasticache_groups,
    elasticache_replication_groups,
    elasticache_serverless,
    elasticbeanstalk,
    elb,
    elbv2,
    events,
    iam,
    logs,
    rds,
    rds_restore,
    rdsdata,
    route53,
    s3,
    secretsmanager,
    sqs,
    ssm,
    stepfunctions,
)

if TYPE_CHECKING:
    from emulator.gap import Gap

GAPS: tuple[Gap, ...] = (
    applicationautoscaling.GAP,
    autoscaling.GAP,
    awslambda.GAP,
    backup.GAP,
    cloudfront.GAP,
    cloudfront_policies.GAP,
    cloudwatch.GAP,
    ec2.GAP,
    ecs.GAP,
    elasticache_clusters.GAP,
    elasticache_common.GAP,
    elasticache_groups.GAP,
    elasticache_replication_groups.GAP,
    elasticache_serverless.GAP,
    elasticbeanstalk.GAP,
    elb.GAP,
    elbv2.GAP,
    events.GAP,
    iam.GAP,
    logs.GAP,
    rds.GAP,
    rds_restore.GAP,
    rdsdata.GAP,
    route53.GAP,
    s3.GAP,
    secretsmanager.GAP,
    sqs.GAP,
    ssm.GAP,
    stepfunctions.GAP,
)
