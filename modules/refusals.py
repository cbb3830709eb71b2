"""Refusals of what no stack may contain, checked while synthesising, and exemptions at a resource with their reason.

Refusals never change a resource. They read the Terraform JSON a stack has become: what will be deployed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsii
from cdktf import App, TerraformElement
from constructs import IValidation

Attributes = Mapping[str, Any]
Finding = str | None


def exempt(element: TerraformElement, *rules: str, reason: str) -> None:
    """Exempts one resource from `rules` (ids of refusals here, or of checkov); `reason` stands beside it in the JSON.

    Raises ValueError when the reason says nothing.
    """
    if len(reason.split()) < 3:
        raise ValueError(f"an exemption from {', '.join(rules)} needs a reason, not {reason!r}")
    for rule in rules:
        element.add_override(f"//.exemptions.{rule}", reason)


@dataclass(frozen=True)
class Rule:
    """One refusal: `check` gets a resource's attributes and says what is wrong with it, or None."""

    id: str
    resource_types: tuple[str, ...]
    check: Callable[[Attributes], Finding]


def findings(stack: Mapping[str, Any]) -> Iterator[str]:
    """Findings in a stack's Terraform JSON, one line each, exempted resources left out."""
    for resource_type, resources in stack.get("resource", {}).items():
        for name, attributes in resources.items():
            exemptions = attributes.get("//", {}).get("exemptions", {})
            for rule in RULES:
                if resource_type in rule.resource_types and rule.id not in exemptions:
                    finding = rule.check(attributes)
                    if finding is not None:
                        path = attributes.get("//", {}).get("metadata", {}).get("path", "")
                        yield f"{resource_type}.{name} ({path}): {finding} [{rule.id}]"


@jsii.implements(IValidation)
class Refusals:
    """The validation that makes findings in a stack errors of its app, so that nothing of it is used.

    An app's validations run when all stacks are written, and this one reads what was written: an Aspect is called for
    every node, which was a third of the work of a synth, and a stack's own validation resolves all once more.
    """

    def __init__(self, app: App, stack: str, judge: Callable[[Mapping[str, Any]], Iterator[str]] = findings) -> None:
        self._file = Path(app.outdir, "stacks", stack, "cdk.tf.json")
        self._stack = stack
        self._judge = judge

    def validate(self) -> list[str]:
        """Everything that is refused in the stack."""
        document = json.loads(self._file.read_text(encoding="utf-8"))
        return [f"[{self._stack}] {finding}" for finding in self._judge(document)]


def _world_open_ingress(rule: Attributes) -> Finding:
    if rule.get("cidr_ipv4") == "0.0.0.0/0" or rule.get("cidr_ipv6") == "::/0":
        return "is open to the whole internet"
    return None


def _inline_rules(group: Attributes) -> Finding:
    return (
        "has rules inside the security group: use connections" if group.get("ingress") or group.get("egress") else None
    )


def _ssh(rule: Attributes) -> Finding:
    low, high = rule.get("from_port"), rule.get("to_port")
    if isinstance(low, int | float) and isinstance(high, int | float) and low <= 22 <= high:
        return "opens port 22: instances are reached through Session Manager"
    return None


def _imdsv1(template: Attributes) -> Finding:
    options = template.get("metadata_options") or {}
    options = options[0] if isinstance(options, list) else options
    return (
        None
        if options.get("http_tokens") == "required"
        else "lets instances be asked for credentials without a token (IMDSv1)"
    )


def _must(key: str, message: str) -> Callable[[Attributes], Finding]:
    # the provider takes some switches as strings
    return lambda attributes: None if attributes.get(key) not in (None, False, "false") else message


def _must_not(key: str, message: str) -> Callable[[Attributes], Finding]:
    return lambda attributes: message if attributes.get(key) else None


def _no_backups(database: Attributes) -> Finding:
    return (
        None if database.get("backup_retention_period") or database.get("replicate_source_db") else "keeps no backups"
    )


def _public_access_block(block: Attributes) -> Finding:
    keys = ("block_public_acls", "block_public_policy", "ignore_public_acls", "restrict_public_buckets")
    missing = [key for key in keys if block.get(key) is not True]
    return f"does not set {', '.join(missing)}" if missing else None


def _unencrypted_disk(template: Attributes) -> Finding:
    for mapping in template.get("block_device_mappings") or []:
        if str((mapping.get("ebs") or {}).get("encrypted")).lower() != "true":
            return f"leaves the volume {mapping.get('device_name')} unencrypted"
    return None


def _statements(attributes: Attributes) -> list[dict[str, Any]]:
    try:
        statements = json.loads(attributes.get("policy") or "{}").get("Statement", [])
    except ValueError:  # the policy is made by Terraform, not written here
        return []
    return [statements] if isinstance(statements, dict) else statements


def _wildcards(policy: Attributes) -> Finding:
    for statement in _statements(policy):
        if statement.get("Effect") != "Allow":
            continue
        actions = statement.get("Action", [])
        actions = [actions] if isinstance(actions, str) else actions
        wide = [action for action in actions if action == "*" or action.endswith(":*")]
        if wide:
            return f"allows {', '.join(wide)}"
    return None


def _literal_password(attributes: Attributes) -> Finding:
    for key in (
        "password",
        "master_password",
        "auth_token",
        "secret_string",
        "secret_binary",
        "value_wo",
        "password_wo",
    ):
        value = attributes.get(key)
        if isinstance(value, str) and value and not value.startswith("${"):
            return f"has a literal {key}: it would stand in git and in the state"
    return None


_POLICIES = ("aws_iam_policy", "aws_iam_role_policy", "aws_iam_user_policy")
_DATABASES = ("aws_db_instance", "aws_rds_cluster")

RULES: tuple[Rule, ...] = (
    Rule("world-open-ingress", ("aws_vpc_security_group_ingress_rule",), _world_open_ingress),
    Rule("inline-security-group-rules", ("aws_security_group",), _inline_rules),
    Rule("ssh", ("aws_vpc_security_group_ingress_rule",), _ssh),
    Rule("imdsv1", ("aws_launch_template", "aws_instance"), _imdsv1),
    Rule("unencrypted-disk", ("aws_launch_template",), _unencrypted_disk),
    Rule("unencrypted-database", _DATABASES, _must("storage_encrypted", "is not encrypted at rest")),
    Rule("no-backups", _DATABASES, _no_backups),
    Rule(
        "public-database",
        ("aws_db_instance", "aws_rds_cluster_instance"),
        _must_not("publicly_accessible", "is reachable from the internet"),
    ),
    Rule(
        "unencrypted-cache",
        ("aws_elasticache_replication_group",),
        _must("at_rest_encryption_enabled", "is not encrypted at rest"),
    ),
    Rule(
        "clear-text-cache",
        ("aws_elasticache_replication_group",),
        _must("transit_encryption_enabled", "speaks without TLS"),
    ),
    Rule("public-bucket", ("aws_s3_bucket_public_access_block",), _public_access_block),
    Rule("wildcard-action", _POLICIES, _wildcards),
    Rule(
        "literal-password",
        (*_DATABASES, "aws_elasticache_replication_group", "aws_secretsmanager_secret_version", "aws_ssm_parameter"),
        _literal_password,
    ),
)
