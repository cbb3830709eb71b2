"""Identifiers by which AWS knows resources that can be adopted."""

from __future__ import annotations

from collections.abc import Mapping

NAMES: Mapping[str, str] = {
    "aws_autoscaling_group": "name",
    "aws_cloudwatch_log_group": "name",
    "aws_db_instance": "identifier",
    "aws_db_parameter_group": "name",
    "aws_db_subnet_group": "name",
    "aws_dynamodb_table": "name",
    "aws_ecr_repository": "name",
    "aws_ecs_cluster": "name",
    "aws_elastic_beanstalk_application": "name",
    "aws_elasticache_cluster": "cluster_id",
    "aws_elasticache_parameter_group": "name",
    "aws_elasticache_replication_group": "replication_group_id",
    "aws_elasticache_subnet_group": "name",
    "aws_iam_instance_profile": "name",
    "aws_iam_role": "name",
    "aws_iam_user": "name",
    "aws_lambda_function": "function_name",
    "aws_rds_cluster": "cluster_identifier",
    "aws_rds_cluster_instance": "identifier",
    "aws_rds_cluster_parameter_group": "name",
    "aws_s3_bucket": "bucket",
    "aws_ssm_parameter": "name",
}
"""Resource type → the argument that is its name, which is the id Terraform imports it by."""
