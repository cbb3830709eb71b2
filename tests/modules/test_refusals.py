"""Each refusal refuses its bad example and passes its good one; an exemption needs a reason and stands at the resource."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cdktf_cdktf_provider_aws.s3_bucket import S3Bucket
from cdktf_cdktf_provider_aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule

from modules.refusals import RULES, exempt, findings
from tests.modules.synth import sample_stack, synthesised

PRIVATE = {
    "block_public_acls": True,
    "block_public_policy": True,
    "ignore_public_acls": True,
    "restrict_public_buckets": True,
}


def policy(effect: str, action: str) -> dict[str, str]:
    return {"policy": json.dumps({"Statement": [{"Effect": effect, "Action": [action], "Resource": ["*"]}]})}


def ebs(encrypted: str) -> dict[str, Any]:
    return {
        "metadata_options": {"http_tokens": "required"},
        "block_device_mappings": [{"device_name": "/dev/xvda", "ebs": {"encrypted": encrypted}}],
    }


CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "world-open-ingress": ("aws_vpc_security_group_ingress_rule", {"cidr_ipv4": "0.0.0.0/0"}, {"cidr_ipv4": "10.0.0.0/8"}),
    "inline-security-group-rules": ("aws_security_group", {"ingress": [{"from_port": 80}]}, {"name": "closed"}),
    "ssh": ("aws_vpc_security_group_ingress_rule", {"from_port": 20, "to_port": 30}, {"from_port": 443, "to_port": 443}),
    "imdsv1": (
        "aws_launch_template",
        {"metadata_options": {"http_tokens": "optional"}},
        {"metadata_options": {"http_tokens": "required"}},
    ),
    "unencrypted-disk": ("aws_launch_template", ebs("false"), ebs("true")),
    "unencrypted-database": (
        "aws_db_instance",
        {"storage_encrypted": False, "backup_retention_period": 7},
        {"storage_encrypted": True, "backup_retention_period": 7},
    ),
    "no-backups": (
        "aws_db_instance",
        {"storage_encrypted": True, "backup_retention_period": 0},
        {"storage_encrypted": True, "backup_retention_period": 1},
    ),
    "public-database": (
        "aws_rds_cluster_instance", {"publicly_accessible": True}, {"publicly_accessible": False},
    ),
    "unencrypted-cache": (
        "aws_elasticache_replication_group",
        {"at_rest_encryption_enabled": "false", "transit_encryption_enabled": True},
        {"at_rest_encryption_enabled": "true", "transit_encryption_enabled": True},
    ),
    "clear-text-cache": (
        "aws_elasticache_replication_group",
        {"at_rest_encryption_enabled": "true", "transit_encryption_enabled": False},
        {"at_rest_encryption_enabled": "true", "transit_encryption_enabled": True},
    ),
    "public-bucket": ("aws_s3_bucket_public_access_block", {**PRIVATE, "block_public_policy": False}, PRIVATE),
    "wildcard-action": ("aws_iam_role_policy", policy("Allow", "s3:*"), policy("Allow", "s3:GetObject")),
    "literal-password": (
        "aws_secretsmanager_secret_version", {"secret_string": "hunter2"}, {"secret_string": "${random.value}"},
    ),
}  # fmt: skip


def stack_with(resource_type: str, attributes: dict[str, Any]) -> dict[str, Any]:
    return {"resource": {resource_type: {"sample": attributes}}}


@pytest.mark.parametrize("rule", [rule.id for rule in RULES])
def test_a_bad_resource_is_refused_and_a_good_one_passes(rule: str) -> None:
    resource_type, bad, good = CASES[rule]
    (finding,) = findings(stack_with(resource_type, bad))
    assert finding.startswith(f"{resource_type}.sample")
    assert finding.endswith(f"[{rule}]")
    assert list(findings(stack_with(resource_type, good))) == []


@pytest.mark.parametrize("rule", [rule.id for rule in RULES])
def test_an_exemption_covers_its_own_rule_only(rule: str) -> None:
    resource_type, bad, _ = CASES[rule]
    assert list(findings(stack_with(resource_type, {**bad, "//": {"exemptions": {rule: "a reason"}}}))) == []
    assert list(findings(stack_with(resource_type, {**bad, "//": {"exemptions": {"another": "a reason"}}})))


def test_a_denied_wildcard_is_no_finding() -> None:
    assert list(findings(stack_with("aws_iam_role_policy", policy("Deny", "s3:*")))) == []


def test_a_stack_with_a_finding_is_not_synthesised() -> None:
    stack = sample_stack()
    VpcSecurityGroupIngressRule(
        stack, "open", security_group_id="sg-1", cidr_ipv4="0.0.0.0/0", ip_protocol="tcp", from_port=22, to_port=22
    )
    with pytest.raises(RuntimeError) as refused:
        synthesised(stack)
    assert "  [sample-test] aws_vpc_security_group_ingress_rule.open (sample-test/open): " in str(refused.value)
    assert "[world-open-ingress]" in str(refused.value)
    assert "[ssh]" in str(refused.value)


def test_an_exemption_stands_at_the_resource_with_its_reason() -> None:
    stack = sample_stack()
    exempt(S3Bucket(stack, "logs", bucket="sample-logs"), "CKV_AWS_18", reason="a bucket for logs keeps none itself")
    assert synthesised(stack).exemptions("aws_s3_bucket.logs") == {"CKV_AWS_18": "a bucket for logs keeps none itself"}


def test_an_exemption_without_a_reason_is_refused() -> None:
    with pytest.raises(ValueError, match="needs a reason"):
        exempt(S3Bucket(sample_stack(), "logs", bucket="sample-logs"), "CKV_AWS_18", reason="n/a")
