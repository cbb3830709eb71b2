"""Attributes that AWS moves by itself: their change is no drift that anybody caused.

Source: argument and attribute references of the AWS provider 5.100.0, and Terraform issues such as
hashicorp/terraform#29543, read 2026-11-28.
"""

from __future__ import annotations

from collections.abc import Mapping

from operations.plans.plan_document import Change

_OF_EVERY_TYPE = frozenset({"latest_restorable_time"})
_OF_TYPE: Mapping[str, frozenset[str]] = {
    "aws_acm_certificate": frozenset({"not_after", "not_before", "pending_renewal", "renewal_summary", "status"}),
    "aws_autoscaling_group": frozenset({"desired_capacity", "predicted_capacity", "warm_pool_size"}),
    "aws_backup_vault": frozenset({"recovery_points"}),
    "aws_cloudfront_distribution": frozenset(
        {"etag", "in_progress_validation_batches", "last_modified_time", "status"}
    ),
    "aws_db_instance": frozenset({"engine_version_actual", "replicas"}),
    "aws_ecs_service": frozenset({"desired_count"}),
    "aws_elastic_beanstalk_environment": frozenset({"autoscaling_groups", "instances", "load_balancers", "triggers"}),
    "aws_elasticache_cluster": frozenset({"engine_version_actual"}),
    "aws_elasticache_replication_group": frozenset({"engine_version_actual"}),
    "aws_iam_role": frozenset({"role_last_used"}),
    "aws_rds_cluster": frozenset({"cluster_members", "engine_version_actual"}),
    "aws_rds_cluster_instance": frozenset({"engine_version_actual", "writer"}),
}
_VERSIONED = ("aws_db_instance", "aws_rds_cluster", "aws_rds_cluster_instance")
"""Databases whose minor version AWS raises in the maintenance window."""


def moved_by_aws(change: Change, attribute: str | int) -> bool:
    """True when AWS itself changes this attribute."""
    if attribute in _OF_EVERY_TYPE or attribute in _OF_TYPE.get(change.type, ()):
        return True
    return attribute == "engine_version" and change.type in _VERSIONED and _is_minor_upgrade(change)


def _is_minor_upgrade(change: Change) -> bool:
    """True when the version rises within its major one, and minor upgrades are left to AWS."""
    old, new = (_numbers(value) for value in (change.was("engine_version"), change.becomes("engine_version")))
    major = 1 if change.becomes("engine") in ("postgres", "aurora-postgresql") else 2
    automatic = change.becomes("auto_minor_version_upgrade") is not False
    return automatic and bool(old and new) and old[:major] == new[:major] and old < new


def _numbers(version: object) -> tuple[int, ...]:
    return tuple(int(part) for part in str(version or "").split(".") if part.isdigit())
