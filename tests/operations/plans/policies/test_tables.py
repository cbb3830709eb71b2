"""For each policy, plans that it must find and plans that it must pass; equivalent spellings get equal verdicts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.settings import ROOT
from operations.plans.finding import Finding
from operations.plans.plan_document import read_plan
from operations.plans.policies.judging import DESCRIPTIONS, judge
from operations.review.addresses import read_document
from operations.stacks import Stack, find_stacks
from tests.operations.plans.plan_support import change, document_of, plan_of

Changes = list[dict[str, Any]]


def findings(*changes: dict[str, Any]) -> list[Finding]:
    return [finding for finding in judge(document_of(*changes), protect_data=True) if finding.counts]


def found(*changes: dict[str, Any]) -> set[str]:
    return {finding.policy for finding in findings(*changes)}


def statement(effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::one/*"} | more


def document(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def identity(before: str | None, after: str | None, kind: str = "aws_iam_role_policy") -> dict[str, Any]:
    sides = ({"role": "r", "policy": text} if text is not None else None for text in (before, after))
    return change(f"{kind}.x", *sides)


def resource(before: str | None, after: str | None, kind: str = "aws_s3_bucket_policy") -> dict[str, Any]:
    sides = ({"bucket": "b", "policy": text} if text is not None else None for text in (before, after))
    return change(f"{kind}.x", *sides)


def trust(*statements: dict[str, Any]) -> dict[str, Any]:
    return change("aws_iam_role.x", None, {"name": "r", "assume_role_policy": document(*statements)})


def assume(**more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": "sts:AssumeRole"} | more


def granted(*permissions: str) -> dict[str, Any]:
    group = [{"type": "Group", "uri": "http://acs.amazonaws.com/groups/global/AllUsers"}]
    grants = [{"permission": permission, "grantee": group} for permission in permissions]
    return {"bucket": "b", "access_control_policy": [{"grant": grants}]}


def updated(kind: str, before: dict[str, Any], after: dict[str, Any], **more: Any) -> dict[str, Any]:
    return change(f"{kind}.x", before, after, **more)


def group(*rules: dict[str, Any], before: Changes | None = None) -> dict[str, Any]:
    return change("aws_security_group.x", {"id": "sg-1", "ingress": before or []}, {"ingress": list(rules)})


def rule(*ranges: str, port: int = 443, to: int | None = None, protocol: str = "tcp") -> dict[str, Any]:
    six = [each for each in ranges if ":" in each]
    return {
        "cidr_blocks": [each for each in ranges if ":" not in each],
        "ipv6_cidr_blocks": six,
        "from_port": port,
        "to_port": port if to is None else to,
        "protocol": protocol,
    }


def lone_rule(name: str, cidr: str, group_id: str = "sg-1") -> dict[str, Any]:
    made = {"security_group_id": group_id, "cidr_ipv4": cidr, "ip_protocol": "tcp", "from_port": 22, "to_port": 22}
    return change(f"aws_vpc_security_group_ingress_rule.{name}", None, made)


def expiring(prefix: str = "logs/", *, days: int = 90, status: str = "Enabled") -> dict[str, Any]:
    chosen = {"id": "a", "status": status, "filter": [{"prefix": prefix}], "expiration": [{"days": days}]}
    return {"bucket": "b", "rule": [chosen]}


def backup_rule(**more: Any) -> dict[str, Any]:
    return {"rule": [{"rule_name": "daily", **more}, {"rule_name": "weekly"}]}


NARROW, ONE = document(statement()), "arn:aws:s3:::one/*"
EVERYBODY = statement(Principal="*")
KEYED = {"name": "t", "server_side_encryption": [{"enabled": True, "kms_key_arn": "arn:aws:kms:eu-west-1:1:key/1"}]}
OIDC = "arn:aws:iam::111122223333:oidc-provider/token.actions.githubusercontent.com"
SUB, AUD = "token.actions.githubusercontent.com:sub", "token.actions.githubusercontent.com:aud"
DENIED = statement("Deny", Action="s3:DeleteObject")
CLEAR = statement("Deny", Principal="*", Action="s3:*", Condition={"Bool": {"aws:SecureTransport": "false"}})
BLOCKED = {"bucket": "b", "block_public_acls": True, "restrict_public_buckets": True}
LIFECYCLE = {"bucket": "b", "rule": [{"id": "logs", "expiration": [{"days": 90}]}]}
LOCKED = {"rule": [{"default_retention": [{"days": 365, "mode": "COMPLIANCE"}]}]}
BROKERS = {"encryption_info": [{"encryption_in_transit": [{"client_broker": "TLS", "in_cluster": True}]}]}
RULES = [
    {"rule_name": "daily", "lifecycle": [{"delete_after": 35}]},
    {"rule_name": "yearly", "lifecycle": [{"delete_after": 400}]},
]

BAD: dict[str, dict[str, Changes]] = {
    "data-destroyed": {
        "type of no stack": [change("aws_efs_file_system.x", {"id": "fs"}, None)],
        "forgotten": [change("aws_db_instance.x", {"id": "d"}, None, actions=["forget"])],
        "forgotten and created": [change("aws_db_instance.x", {"id": "d"}, {}, actions=["forget", "create"])],
        "replaced": [change("aws_dynamodb_table.x", {"a": 1}, {"a": 2}, replace="a")],
        "deposed": [change("aws_db_instance.x", {"id": "d"}, None) | {"deposed": "k"}],
        "unknown action": [change("aws_db_instance.x", {"id": "d"}, None, actions=["melt"])],
        "key scheduled for deletion": [change("aws_kms_key.x", {"id": "k"}, None)],
        "key disabled": [updated("aws_kms_key", {"is_enabled": True}, {"is_enabled": False})],
        "key of another place disabled": [updated("aws_kms_replica_key", {"enabled": True}, {"enabled": False})],
    },
    "world-open-ingress": {
        "two halves": [group(rule("0.0.0.0/1"), rule("128.0.0.0/1"))],
        "two halves in one rule": [group(rule("0.0.0.0/1", "128.0.0.0/1"))],
        "quarters but one address": [group(rule("0.0.0.0/1"), rule("128.0.0.0/2", "192.0.0.0/3", "224.0.0.0/4"))],
        "two halves of two resources": [lone_rule("a", "0.0.0.0/1"), lone_rule("b", "128.0.0.0/1")],
        "udp beside tcp": [group(rule("0.0.0.0/0"), rule("0.0.0.0/0", protocol="udp"), before=[rule("0.0.0.0/0")])],
        "family 6 beside 4": [group(rule("0.0.0.0/0"), rule("::/0"), before=[rule("0.0.0.0/0")])],
        "family 6 as it is given out": [group(rule("2000::/3"))],
        "every protocol": [group(rule("0.0.0.0/0", port=0, to=0, protocol="-1"), before=[rule("0.0.0.0/0")])],
        "protocol as a number": [group(rule("0.0.0.0/0", protocol="6"))],
        "wider ports": [group(rule("0.0.0.0/0", port=80, to=443), before=[rule("0.0.0.0/0")])],
        "classic rule": [
            change(
                "aws_security_group_rule.x", None, {**rule("0.0.0.0/0"), "type": "ingress", "security_group_id": "s"}
            )
        ],
        "prefix list": [change("aws_ec2_managed_prefix_list.x", None, {"entry": [{"cidr": "0.0.0.0/0"}]})],
        "prefix list in two halves": [
            change(f"aws_ec2_managed_prefix_list_entry.{name}", None, {"prefix_list_id": "pl-1", "cidr": cidr})
            for name, cidr in {"a": "0.0.0.0/1", "b": "128.0.0.0/1"}.items()
        ],
        "rule moved to another group": [
            change(
                "aws_security_group_rule.x",
                {**rule("0.0.0.0/0"), "type": "ingress", "security_group_id": "s"},
                {**rule("0.0.0.0/0"), "type": "ingress", "security_group_id": "t"},
                replace="security_group_id",
            )
        ],
        "public database": [updated("aws_db_instance", {"publicly_accessible": False}, {"publicly_accessible": True})],
    },
    "iam-wildcard": {
        "everything": [identity(None, document(statement(Action="*", Resource="*")))],
        "service": [identity(NARROW, document(statement(Action="s3:*")))],
        "two stars": [identity(None, document(statement(Action="s3:**", Resource="*")))],
        "question mark and star": [identity(None, document(statement(Action="s3:?*")))],
        "service by pattern": [identity(None, document(statement(Action="i?m:*")))],
        "another case": [identity(None, document(statement(Action="S3:*")))],
        "all but some": [identity(None, document({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}))],
        "resource widened": [
            identity(document(statement(Action="s3:*")), document(statement(Action="s3:*", Resource="*")))
        ],
        "resource of a narrow right widened": [identity(NARROW, document(statement(Resource="*")))],
        "any role passed": [identity(NARROW, document(statement(), statement(Action="iam:PassRole", Resource="*")))],
        "any role of the account passed": [
            identity(None, document(statement(Action="iam:PassRole", Resource="arn:aws:iam::111122223333:role/*")))
        ],
        "any policy attached": [identity(None, document(statement(Action="iam:AttachRolePolicy", Resource="*")))],
        "any key of a user": [identity(NARROW, document(statement(), statement(Action="iam:Create*", Resource="*")))],
        "resource widened to every bucket": [identity(NARROW, document(statement(Resource="arn:aws:s3:::*")))],
        "resource widened to every object": [identity(NARROW, document(statement(Resource="arn:aws:s3:::*/*")))],
        "resource widened to every table": [
            identity(
                document(statement(Action="dynamodb:GetItem", Resource="arn:aws:dynamodb:eu-west-1:1:table/a")),
                document(statement(Action="dynamodb:GetItem", Resource="arn:aws:dynamodb:*:*:table/*")),
            )
        ],
        "condition on everything removed": [
            identity(
                document(
                    statement(
                        Action="ec2:TerminateInstances",
                        Resource="*",
                        Condition={"StringEquals": {"aws:ResourceTag/owner": "me"}},
                    )
                ),
                document(statement(Action="ec2:TerminateInstances", Resource="*")),
            )
        ],
        "denial removed": [identity(document(statement(), DENIED), NARROW)],
        "denial narrowed": [identity(document(DENIED), document(DENIED | {"Resource": "arn:aws:s3:::one/a"}))],
        "policy with a denial deleted": [identity(document(DENIED), None)],
        "of a user": [identity(None, document(statement(Action="*")), "aws_iam_user_policy")],
        "in a role": [
            updated("aws_iam_role", {}, {"inline_policy": [{"name": "a", "policy": document(statement(Action="*"))}]})
        ],
        "permission set": [
            change(
                "aws_ssoadmin_permission_set_inline_policy.x", None, {"inline_policy": document(statement(Action="*"))}
            )
        ],
        "attached": [
            change(
                "aws_iam_role_policy_attachment.x", None, {"policy_arn": "arn:aws:iam::aws:policy/AdministratorAccess"}
            )
        ],
        "attached in a list": [
            updated("aws_iam_role", {}, {"managed_policy_arns": ["arn:aws-cn:iam::aws:policy/AmazonS3FullAccess"]})
        ],
        "boundary removed": [
            updated("aws_iam_role", {"permissions_boundary": "arn:aws:iam::1:policy/b"}, {"permissions_boundary": ""})
        ],
        "boundary that limits nothing": [
            updated(
                "aws_iam_user",
                {"permissions_boundary": "arn:aws:iam::1:policy/b"},
                {"permissions_boundary": "arn:aws:iam::aws:policy/AdministratorAccess"},
            )
        ],
        "boundary of a permission set deleted": [
            change("aws_ssoadmin_permissions_boundary_attachment.x", {"permission_set_arn": "arn:p"}, None)
        ],
        "trust for everybody": [trust(assume(Principal={"AWS": "*"}))],
        "trust for all but one": [trust(assume(NotPrincipal={"AWS": "arn:aws:iam::111122223333:root"}))],
        "trust of any workflow": [
            trust(assume(Principal={"Federated": OIDC}, Condition={"StringEquals": {AUD: "sts"}}))
        ],
        "trust of any repository": [
            trust(assume(Principal={"Federated": OIDC}, Condition={"StringLike": {SUB: "repo:*"}}))
        ],
        "trust of repositories by their first letter": [
            trust(assume(Principal={"Federated": OIDC}, Condition={"StringLike": {SUB: ["repo:a/b:*", "repo:a*"]}}))
        ],
        "trust of any organisation": [
            trust(
                assume(
                    Principal={"Federated": "arn:aws:iam::111122223333:oidc-provider/app.terraform.io"},
                    Condition={"StringLike": {"app.terraform.io:sub": "organization:*:project:p:*"}},
                )
            )
        ],
        "odd document": [identity(None, '{"Statement": null}')],
        "torn document": [identity(None, '{"Statement": [')],
    },
    "public-bucket": {
        "anybody": [resource(None, document(EVERYBODY))],
        "anybody of AWS": [resource(None, document(statement(Principal={"AWS": ["*"]})))],
        "all but one": [resource(None, document(statement(NotPrincipal={"AWS": "arn:aws:iam::111122223333:user/x"})))],
        "anybody, in escapes": [
            resource(
                None,
                document(EVERYBODY).replace("Statement", r"\u0053tatement").replace("Principal", r"\u0050rincipal"),
            )
        ],
        "whoever an identity provider knows": [resource(None, document(statement(Principal={"Federated": "*"})))],
        "any organisation": [
            resource(
                None,
                document(EVERYBODY | {"Condition": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-*/r-1/*"}}}),
            )
        ],
        "condition that binds nothing": [
            resource(None, document(EVERYBODY | {"Condition": {"Bool": {"aws:SecureTransport": "true"}}}))
        ],
        "condition removed": [
            resource(
                document(EVERYBODY | {"Condition": {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}}),
                document(EVERYBODY),
            )
        ],
        "condition with if exists": [
            resource(None, document(EVERYBODY | {"Condition": {"StringEqualsIfExists": {"aws:SourceVpce": "vpce-1"}}}))
        ],
        "more for anybody": [resource(document(EVERYBODY), document(EVERYBODY | {"Action": "s3:*"}))],
        "denial removed": [resource(document(DENIED | {"Principal": "*"}), document())],
        "queue": [resource(None, document(EVERYBODY | {"Action": "sqs:*"}), "aws_sqs_queue_policy")],
        "topic itself": [resource(None, document(EVERYBODY | {"Action": "sns:Publish"}), "aws_sns_topic")],
        "key": [resource(None, document(EVERYBODY | {"Action": "kms:Decrypt"}), "aws_kms_key")],
        "secret": [resource(None, document(EVERYBODY), "aws_secretsmanager_secret_policy")],
        "type of no stack": [change("aws_opensearch_domain.x", None, {"access_policies": document(EVERYBODY)})],
        "acl": [change("aws_s3_bucket_acl.x", None, {"acl": "public-read"})],
        "acl of the bucket": [updated("aws_s3_bucket", {"acl": "private"}, {"acl": "public-read-write"})],
        "grant": [
            change(
                "aws_s3_bucket_acl.x",
                None,
                {
                    "access_control_policy": [
                        {"grant": [{"grantee": [{"uri": "http://acs.amazonaws.com/groups/global/AllUsers"}]}]}
                    ]
                },
            )
        ],
        "block off": [updated("aws_s3_bucket_public_access_block", BLOCKED, BLOCKED | {"block_public_acls": False})],
        "block deleted": [change("aws_s3_bucket_public_access_block.x", BLOCKED, None)],
        "block no longer set": [updated("aws_s3_bucket_public_access_block", BLOCKED, {"bucket": "b"})],
        "block of images": [
            updated("aws_ec2_image_block_public_access", {"state": "block-new-sharing"}, {"state": "unblocked"})
        ],
        "block of snapshots deleted": [
            change("aws_ebs_snapshot_block_public_access.x", {"state": "block-all-sharing"}, None)
        ],
        "grant widened": [updated("aws_s3_bucket_acl", granted("READ"), granted("READ", "WRITE"))],
        "layer": [change("aws_lambda_layer_version_permission.x", None, {"principal": "*"})],
        "bus of events": [change("aws_cloudwatch_event_permission.x", None, {"principal": "*"})],
        "document of commands": [
            updated("aws_ssm_document", {"permissions": {}}, {"permissions": {"type": "Share", "account_ids": "All"}})
        ],
        "function url": [change("aws_lambda_function_url.x", None, {"authorization_type": "NONE"})],
        "function for anybody": [
            change("aws_lambda_permission.x", None, {"principal": "*", "action": "lambda:Invoke"})
        ],
        "snapshot": [updated("aws_db_snapshot", {"shared_accounts": []}, {"shared_accounts": ["all"]})],
        "image": [change("aws_ami_launch_permission.x", None, {"group": "all", "image_id": "ami-1"})],
    },
    "encryption-lost": {
        "block gone": [updated("aws_dynamodb_table", KEYED, {"name": "t", "server_side_encryption": []})],
        "switch off": [updated("aws_rds_cluster", {"storage_encrypted": True}, {"storage_encrypted": False})],
        "new without": [change("aws_db_instance.x", None, {"storage_encrypted": False})],
        "by replacement": [change("aws_ebs_volume.x", {"encrypted": True}, {"encrypted": False}, replace="encrypted")],
        "key gone": [updated("aws_sns_topic", {"kms_master_key_id": "k"}, {"kms_master_key_id": ""})],
        "kind of encryption": [updated("aws_kinesis_stream", {"encryption_type": "KMS"}, {"encryption_type": "NONE"})],
        "queue": [updated("aws_sqs_queue", {"sqs_managed_sse_enabled": True}, {"sqs_managed_sse_enabled": False})],
        "bucket": [change("aws_s3_bucket_server_side_encryption_configuration.x", {"bucket": "b"}, None)],
        "listener": [updated("aws_lb_listener", {"protocol": "HTTPS"}, {"protocol": "HTTP"})],
        "listener of a network": [updated("aws_lb_listener", {"protocol": "TLS"}, {"protocol": "TCP"})],
        "viewers": [
            updated(
                "aws_cloudfront_distribution",
                {"default_cache_behavior": [{"viewer_protocol_policy": "redirect-to-https"}]},
                {"default_cache_behavior": [{"viewer_protocol_policy": "allow-all"}]},
            )
        ],
        "database": [
            updated(
                "aws_db_parameter_group",
                {"parameter": [{"name": "rds.force_ssl", "value": "1"}]},
                {"parameter": [{"name": "rds.force_ssl", "value": "0"}]},
            )
        ],
        "clear text allowed": [resource(document(CLEAR), document())],
        "switch no longer set": [updated("aws_db_instance", {"storage_encrypted": True}, {"storage_encrypted": None})],
        "switch absent": [updated("aws_db_instance", {"storage_encrypted": True}, {})],
        "brokers": [updated("aws_msk_cluster", BROKERS, json.loads(json.dumps(BROKERS).replace("TLS", "PLAINTEXT")))],
        "between brokers": [
            updated("aws_msk_cluster", BROKERS, json.loads(json.dumps(BROKERS).replace("true", "false")))
        ],
        "switch the other way round": [
            updated(
                "aws_codebuild_project",
                {"artifacts": [{"encryption_disabled": False}]},
                {"artifacts": [{"encryption_disabled": True}]},
            )
        ],
        "protocol in lower case": [
            updated("aws_elb", {"listener": [{"lb_protocol": "ssl"}]}, {"listener": [{"lb_protocol": "tcp"}]})
        ],
        "one of several protocols": [updated("aws_transfer_server", {"protocols": ["SFTP"]}, {"protocols": ["FTP"]})],
        "parameter removed": [
            updated(
                "aws_rds_cluster_parameter_group",
                {"parameter": [{"name": "require_secure_transport", "value": "ON"}]},
                {"parameter": []},
            )
        ],
        "parameter of another engine": [
            updated(
                "aws_docdb_cluster_parameter_group",
                {"parameter": [{"name": "tls", "value": "enabled"}]},
                {"parameter": [{"name": "tls", "value": "disabled"}]},
            )
        ],
        "default of the account": [updated("aws_ebs_encryption_by_default", {"enabled": True}, {"enabled": False})],
        "default of the account deleted": [change("aws_ebs_encryption_by_default.x", {"enabled": True}, None)],
        "key of one part": [
            updated(
                "aws_db_instance", {"performance_insights_kms_key_id": "k"}, {"performance_insights_kms_key_id": None}
            )
        ],
    },
    "retention-shortened": {
        "shorter": [updated("aws_db_instance", {"backup_retention_period": 30}, {"backup_retention_period": 7})],
        "as a text": [updated("aws_x", {"retention_in_days": "30"}, {"retention_in_days": "7"})],
        "no longer for ever": [updated("aws_cloudwatch_log_group", {"retention_in_days": 0}, {"retention_in_days": 9})],
        "type of no stack": [updated("aws_kinesis_stream", {"retention_period": 48}, {"retention_period": 24})],
        "removed": [updated("aws_rds_cluster", {"backup_retention_period": 7}, {"backup_retention_period": None})],
        "versioning suspended": [
            updated(
                "aws_s3_bucket_versioning",
                {"versioning_configuration": [{"status": "Enabled"}]},
                {"versioning_configuration": [{"status": "Suspended"}]},
            )
        ],
        "versioning deleted": [
            change("aws_s3_bucket_versioning.x", {"versioning_configuration": [{"status": "Enabled"}]}, None)
        ],
        "versioning deleted that never asked for a second factor": [
            change(
                "aws_s3_bucket_versioning.x",
                {"versioning_configuration": [{"mfa_delete": "Disabled", "status": "Enabled"}]},
                None,
            )
        ],
        "backup plan deleted": [change("aws_backup_plan.x", {"name": "p", "rule": RULES}, None)],
        "backup rule removed": [updated("aws_backup_plan", {"rule": RULES}, {"rule": RULES[1:]})],
        "backup rule shorter, in another order": [
            updated(
                "aws_backup_plan",
                {"rule": RULES},
                {"rule": [RULES[1], {"rule_name": "daily", "lifecycle": [{"delete_after": 7}]}]},
            )
        ],
        "selection deleted": [change("aws_backup_selection.x", {"plan_id": "p"}, None)],
        "recovery off": [
            updated(
                "aws_dynamodb_table",
                {"point_in_time_recovery": [{"enabled": True}]},
                {"point_in_time_recovery": [{"enabled": False}]},
            )
        ],
        "expiration shorter": [
            updated(
                "aws_s3_bucket_lifecycle_configuration",
                LIFECYCLE,
                {"bucket": "b", "rule": [{"id": "logs", "expiration": [{"days": 30}]}]},
            )
        ],
        "expiration added": [updated("aws_s3_bucket_lifecycle_configuration", {"bucket": "b", "rule": []}, LIFECYCLE)],
        "expiration added to a bucket that exists": [
            change("aws_s3_bucket_lifecycle_configuration.x", None, LIFECYCLE)
        ],
        "items expire": [updated("aws_dynamodb_table", {"ttl": [{"enabled": False}]}, {"ttl": [{"enabled": True}]})],
        "snapshots by number": [
            updated(
                "aws_dlm_lifecycle_policy",
                {"policy_details": [{"schedule": [{"name": "d", "retain_rule": [{"count": 14}]}]}]},
                {"policy_details": [{"schedule": [{"name": "d", "retain_rule": [{"count": 3}]}]}]},
            )
        ],
        "lock for fewer days": [
            updated(
                "aws_s3_bucket_object_lock_configuration",
                LOCKED,
                {"rule": [{"default_retention": [{"days": 30, "mode": "COMPLIANCE"}]}]},
            )
        ],
        "rewinding": [updated("aws_rds_cluster", {"backtrack_window": 259200}, {"backtrack_window": 0})],
        "log group that said nothing": [updated("aws_cloudwatch_log_group", {"name": "a"}, {"retention_in_days": 7})],
        "backups no longer for ever": [
            updated("aws_backup_plan", backup_rule(lifecycle=[]), backup_rule(lifecycle=[{"delete_after": 7}]))
        ],
        "backup rule without a time removed": [
            updated("aws_backup_plan", backup_rule(), {"rule": [{"rule_name": "weekly"}]})
        ],
        "backups no longer copied": [
            updated(
                "aws_backup_plan",
                backup_rule(copy_action=[{"destination_vault_arn": "arn:aws:backup:eu-west-1:1:backup-vault:v"}]),
                backup_rule(copy_action=[]),
            )
        ],
        "continuous backups off": [
            updated(
                "aws_backup_plan",
                backup_rule(enable_continuous_backup=True),
                backup_rule(enable_continuous_backup=False),
            )
        ],
        "selection narrowed": [
            change(
                "aws_backup_selection.x",
                {"plan_id": "p", "resources": ["arn:a", "arn:b"]},
                {"plan_id": "p", "resources": ["arn:a"]},
                replace="resources",
            )
        ],
        "recovery off in other words": [
            updated(
                "aws_keyspaces_table",
                {"point_in_time_recovery": [{"status": "ENABLED"}]},
                {"point_in_time_recovery": [{"status": "DISABLED"}]},
            )
        ],
        "rule switched on": [
            updated("aws_s3_bucket_lifecycle_configuration", expiring(status="Disabled"), expiring(status="Enabled"))
        ],
        "rule for more objects": [updated("aws_s3_bucket_lifecycle_configuration", expiring(), expiring(""))],
        "rule for other objects": [updated("aws_s3_bucket_lifecycle_configuration", expiring(), expiring("data/"))],
        "earlier date": [
            updated(
                "aws_s3_bucket_lifecycle_configuration",
                {"rule": [{"id": "a", "expiration": [{"date": "2030-01-01T00:00:00Z"}]}]},
                {"rule": [{"id": "a", "expiration": [{"date": "2028-01-01T00:00:00Z"}]}]},
            )
        ],
    },
    "protection-lost": {
        "switch": [updated("aws_db_instance", {"deletion_protection": True}, {"deletion_protection": False})],
        "by replacement": [
            change(
                "aws_lb.x", {"enable_deletion_protection": True}, {"enable_deletion_protection": False}, replace="name"
            )
        ],
        "absent": [updated("aws_rds_cluster", {"deletion_protection": True}, {"deletion_protection": None})],
        "final snapshot": [updated("aws_db_instance", {"skip_final_snapshot": False}, {"skip_final_snapshot": True})],
        "bucket": [updated("aws_s3_bucket", {"force_destroy": None}, {"force_destroy": True})],
        "instance": [updated("aws_instance", {"disable_api_termination": True}, {"disable_api_termination": False})],
        "backups": [
            updated("aws_db_instance", {"delete_automated_backups": False}, {"delete_automated_backups": True})
        ],
        "lock": [change("aws_backup_vault_lock_configuration.x", {"backup_vault_name": "v"}, None)],
        "pool": [
            updated("aws_cognito_user_pool", {"deletion_protection": "ACTIVE"}, {"deletion_protection": "INACTIVE"})
        ],
        "switch of a firewall": [
            updated("aws_networkfirewall_firewall", {"delete_protection": True}, {"delete_protection": False})
        ],
        "force that was absent": [updated("aws_ecr_repository", {"name": "r"}, {"name": "r", "force_delete": True})],
        "name of the last snapshot": [
            updated(
                "aws_elasticache_replication_group",
                {"final_snapshot_identifier": "last"},
                {"final_snapshot_identifier": None},
            )
        ],
        "last backup": [
            updated("aws_fsx_lustre_file_system", {"skip_final_backup": False}, {"skip_final_backup": True})
        ],
        "lock that nobody could lift": [
            updated(
                "aws_s3_bucket_object_lock_configuration",
                LOCKED,
                {"rule": [{"default_retention": [{"days": 365, "mode": "GOVERNANCE"}]}]},
            )
        ],
    },
    "accidental-rename": {
        "renamed": [
            change("aws_sqs_queue.old", {"name": "jobs", "delay_seconds": 5}, None),
            change("aws_sqs_queue.new", None, {"name": "jobs", "delay_seconds": 5}),
        ],
    },
}

GOOD: dict[str, dict[str, Changes]] = {
    "data-destroyed": {
        "rebuildable": [change("aws_iam_role.x", {"name": "r"}, None)],
        "rebuildable of no stack": [change("aws_apigatewayv2_stage.x", {"id": "s"}, None)],
        "key enabled": [updated("aws_kms_replica_key", {"enabled": False}, {"enabled": True})],
        "updated": [updated("aws_db_instance", {"port": 1}, {"port": 2})],
    },
    "world-open-ingress": {
        "one half": [group(rule("0.0.0.0/1"))],
        "network": [group(rule("10.0.0.0/8"))],
        "halves of two groups": [lone_rule("a", "0.0.0.0/1"), lone_rule("b", "128.0.0.0/1", "sg-2")],
        "halves of two ports": [group(rule("0.0.0.0/1", port=80), rule("128.0.0.0/1"))],
        "as before": [group(rule("0.0.0.0/0"), before=[rule("0.0.0.0/0")])],
        "as before, cut otherwise": [
            group(rule("0.0.0.0/1"), rule("128.0.0.0/1"), before=[rule("0.0.0.0/0")]),
        ],
        "fewer ports": [group(rule("0.0.0.0/0"), before=[rule("0.0.0.0/0", port=1, to=999)])],
        "egress": [change("aws_security_group_rule.x", None, {**rule("0.0.0.0/0"), "type": "egress"})],
        "another group": [group({"security_groups": ["sg-2"], "from_port": 1, "to_port": 1, "protocol": "tcp"})],
    },
    "iam-wildcard": {
        "narrow": [identity(None, NARROW)],
        "denial": [identity(None, document(statement("Deny", Action="*", Resource="*")))],
        "service no longer": [identity(document(statement(Action="s3:*")), NARROW)],
        "as before, spelled otherwise": [
            identity(document(statement(Action="s3:*")), document(statement(Action=["S3:**"], Resource=[ONE])))
        ],
        "deleted with its role": [
            change("aws_iam_role.x", {"id": "r", "name": "r"}, None),
            identity(document(DENIED), None),
        ],
        "describes everywhere": [
            identity(NARROW, document(statement(), statement(Action="ec2:Describe*", Resource="*")))
        ],
        "trust of a service": [trust(assume(Principal={"Service": "ec2.amazonaws.com"}))],
        "trust of an organisation": [
            trust(assume(Principal="*", Condition={"StringEquals": {"aws:PrincipalOrgID": "o-1"}}))
        ],
        "trust of a repository": [
            trust(assume(Principal={"Federated": OIDC}, Condition={"StringLike": {SUB: "repo:a/b:*"}}))
        ],
        "trust of an owner": [
            trust(assume(Principal={"Federated": OIDC}, Condition={"StringLike": {SUB: "repo:a/*"}}))
        ],
        "trust of a namespace": [
            trust(
                assume(
                    Principal={"Federated": "arn:aws:iam::111122223333:oidc-provider/oidc.eks.eu-west-1.amazonaws.com"},
                    Condition={"StringLike": {"oidc.eks.eu-west-1.amazonaws.com:sub": "system:serviceaccount:n:*"}},
                )
            )
        ],
        "one role passed": [
            identity(None, document(statement(Action="iam:PassRole", Resource="arn:aws:iam::1:role/app-*")))
        ],
        "more of a bucket": [
            identity(document(statement(Resource="arn:aws:s3:::one/a/*")), document(statement(Resource=ONE)))
        ],
        "another boundary": [
            updated(
                "aws_iam_role",
                {"permissions_boundary": "arn:aws:iam::1:policy/b"},
                {"permissions_boundary": "arn:aws:iam::1:policy/c"},
            )
        ],
        "attached": [
            change("aws_iam_role_policy_attachment.x", None, {"policy_arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"})
        ],
    },
    "public-bucket": {
        "as before, and an account": [
            resource(
                document(EVERYBODY),
                document(EVERYBODY, statement(Principal={"AWS": "arn:aws:iam::111122223333:root"})),
            )
        ],
        "service": [resource(None, document(statement(Principal={"Service": "cloudfront.amazonaws.com"})))],
        "account by condition": [
            resource(None, document(EVERYBODY | {"Condition": {"StringEquals": {"AWS:SourceOwner": "111122223333"}}}))
        ],
        "endpoint": [resource(None, document(EVERYBODY | {"Action": "*"}), "aws_vpc_endpoint")],
        "block deleted with its bucket": [
            change("aws_s3_bucket_public_access_block.x", BLOCKED, None),
            change("aws_s3_bucket.x", {"id": "b", "bucket": "b"}, None),
        ],
        "function for a service": [
            change("aws_lambda_permission.x", None, {"principal": "events.amazonaws.com", "source_arn": "arn:aws:x"})
        ],
        "private": [change("aws_s3_bucket_acl.x", None, {"acl": "private"})],
        "acl narrowed": [updated("aws_s3_bucket_acl", {"acl": "public-read-write"}, {"acl": "public-read"})],
        "grant narrowed": [updated("aws_s3_bucket_acl", granted("FULL_CONTROL"), granted("READ"))],
        "unit of an organisation": [
            resource(
                None,
                document(EVERYBODY | {"Condition": {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-1/r-1/*"}}}),
            )
        ],
        "layer for an organisation": [
            change("aws_lambda_layer_version_permission.x", None, {"principal": "*", "organization_id": "o-1"})
        ],
        "bus for an organisation": [
            change(
                "aws_cloudwatch_event_permission.x",
                None,
                {"principal": "*", "condition": [{"key": "aws:PrincipalOrgID", "value": "o-1"}]},
            )
        ],
    },
    "encryption-lost": {
        "another key": [updated("aws_sns_topic", {"kms_master_key_id": "k"}, {"kms_master_key_id": "l"})],
        "key for the queue's own": [
            updated(
                "aws_sqs_queue",
                {"sqs_managed_sse_enabled": True, "kms_master_key_id": None},
                {"sqs_managed_sse_enabled": False, "kms_master_key_id": "k"},
            )
        ],
        "off as before": [
            updated("aws_db_instance", {"storage_encrypted": False}, {"storage_encrypted": False, "a": 1})
        ],
        "new": [change("aws_db_instance.x", None, {"storage_encrypted": True})],
        "to HTTPS": [updated("aws_lb_listener", {"protocol": "HTTP"}, {"protocol": "HTTPS"})],
        "cheaper use of a key": [
            updated(
                "aws_s3_bucket_server_side_encryption_configuration",
                {"rule": [{"bucket_key_enabled": True}]},
                {"rule": [{"bucket_key_enabled": False}]},
            )
        ],
        "stricter parameter": [
            updated(
                "aws_docdb_cluster_parameter_group",
                {"parameter": [{"name": "tls", "value": "enabled"}]},
                {"parameter": [{"name": "tls", "value": "tls1.3+"}]},
            )
        ],
        "volume removed": [
            updated("aws_instance", {"ebs_block_device": [{"encrypted": True}]}, {"ebs_block_device": []})
        ],
        "clear text still refused": [resource(document(CLEAR), document(CLEAR | {"Sid": "Tls"}))],
    },
    "retention-shortened": {
        "as before": [
            updated("aws_db_instance", {"backup_retention_period": 7}, {"backup_retention_period": 7, "a": 1})
        ],
        "longer": [updated("aws_x", {"retention_in_days": 7}, {"retention_in_days": 0})],
        "rules in another order": [updated("aws_backup_plan", {"rule": RULES}, {"rule": RULES[::-1]})],
        "rule added": [updated("aws_backup_plan", {"rule": RULES[:1]}, {"rule": RULES})],
        "backups for ever": [updated("aws_backup_plan", {"rule": RULES[:1]}, {"rule": [{"rule_name": "daily"}]})],
        "logs for ever": [updated("aws_cloudwatch_log_group", {"retention_in_days": 7}, {"retention_in_days": None})],
        "selection by a pattern": [
            change(
                "aws_backup_selection.x",
                {"plan_id": "p", "resources": ["arn:a", "arn:b"]},
                {"plan_id": "p", "resources": ["arn:*"]},
                replace="resources",
            )
        ],
        "selection without what is destroyed": [
            change("aws_ebs_volume.x", {"arn": "arn:b"}, None),
            change(
                "aws_backup_selection.x",
                {"plan_id": "p", "resources": ["arn:a", "arn:b"]},
                {"plan_id": "p", "resources": ["arn:a"]},
                replace="resources",
            ),
        ],
        "rule that is switched off": [
            updated("aws_s3_bucket_lifecycle_configuration", {"bucket": "b", "rule": []}, expiring(status="Disabled"))
        ],
        "rule for fewer objects": [updated("aws_s3_bucket_lifecycle_configuration", expiring(), expiring("logs/old/"))],
        "expiration of a new bucket": [
            change("aws_s3_bucket.x", None, {"bucket": "b"}),
            change("aws_s3_bucket_lifecycle_configuration.x", None, LIFECYCLE),
        ],
        "expiration removed": [
            updated("aws_s3_bucket_lifecycle_configuration", LIFECYCLE, {"bucket": "b", "rule": []})
        ],
        "versioning enabled": [
            updated(
                "aws_s3_bucket_versioning",
                {"versioning_configuration": [{"status": "Suspended"}]},
                {"versioning_configuration": [{"status": "Enabled"}]},
            )
        ],
    },
    "protection-lost": {
        "switched on": [updated("aws_db_instance", {"deletion_protection": False}, {"deletion_protection": True})],
        "as before": [updated("aws_db_instance", {"skip_final_snapshot": True}, {"skip_final_snapshot": True, "a": 1})],
        "last snapshot by another name": [
            updated(
                "aws_db_instance",
                {"skip_final_snapshot": False, "final_snapshot_identifier": "a"},
                {"skip_final_snapshot": False, "final_snapshot_identifier": "b"},
            )
        ],
    },
    "accidental-rename": {
        "another thing": [
            change("aws_sqs_queue.old", {"name": "jobs", "delay_seconds": 5}, None),
            change("aws_sqs_queue.new", None, {"name": "mail", "delay_seconds": 6}),
        ],
    },
}


def rows(table: dict[str, dict[str, Changes]]) -> pytest.MarkDecorator:
    cases = [(policy, changes) for policy, named in table.items() for changes in named.values()]
    names = [f"{policy}: {name}" for policy, named in table.items() for name in named]
    return pytest.mark.parametrize(("policy", "changes"), cases, ids=names)


@rows(BAD)
def test_a_policy_finds_the_change_in_every_spelling(policy: str, changes: Changes) -> None:
    assert policy in found(*changes)


@rows(GOOD)
def test_a_policy_passes_what_is_harmless(policy: str, changes: Changes) -> None:
    assert policy not in found(*changes)


def test_every_policy_has_bad_and_good_plans() -> None:
    assert set(BAD) == set(GOOD) == set(DESCRIPTIONS)


@given(data=st.data())
def test_equivalent_spellings_of_a_document_get_equal_verdicts(data: st.DataObject) -> None:
    """One statement or a list, a text or a list, any order, any case of actions and of elements."""
    pool = [
        statement(),
        statement(Action="s3:*"),
        statement(Action=["s3:*", "sqs:SendMessage"], Resource=["*"]),
        statement("Deny", Action="s3:DeleteObject", Resource="*"),
        statement(Action="iam:PassRole", Resource="*"),
        EVERYBODY,
        statement(Principal={"AWS": "arn:aws:iam::111122223333:root"}),
    ]
    kind = data.draw(st.sampled_from([identity, resource]))
    usable = [each for each in pool if ("Principal" in each) is (kind is resource)]
    before, after = (data.draw(st.lists(st.sampled_from(usable), min_size=1, max_size=3)) for _ in range(2))
    respelled = [json.dumps({"statement": respell(data, side)}) for side in (before, after)]
    plain = kind(document(*before), document(*after))
    assert found(kind(*respelled)) == found(plain)


def respell(data: st.DataObject, statements: list[dict[str, Any]]) -> Any:
    def listed(value: Any) -> Any:
        value = value if isinstance(value, list) else [value]
        return data.draw(st.permutations(value)) if len(value) > 1 or data.draw(st.booleans()) else value[0]

    done = []
    for each in data.draw(st.permutations(statements)):
        lower = data.draw(st.booleans())
        action = (
            [text.upper() if lower else text for text in listed(each["Action"])]
            if isinstance(each["Action"], list)
            else listed(each["Action"].upper() if lower else each["Action"])
        )
        again = each | {"Action": action, "Resource": listed(each["Resource"])}
        done.append({name.lower() if lower else name: value for name, value in again.items()})
    return done[0] if len(done) == 1 and data.draw(st.booleans()) else done


@given(
    st.lists(st.sampled_from(["0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/3", "10.0.0.0/8", "2000::/4", "::/0"]), max_size=5)
)
def test_ranges_get_the_same_verdict_in_one_rule_and_in_rules_of_their_own(ranges: list[str]) -> None:
    together = group(rule(*ranges))
    apart = group(*(rule(each) for each in ranges))
    assert found(together) == found(apart)


def test_ports_that_adjoin_are_one_range_and_others_are_apart() -> None:
    everybody = "0.0.0.0/0"
    opened = group(rule(everybody, port=8006, to=8010), rule(everybody, port=22), rule(everybody, port=8000, to=8005))
    (finding,) = findings(opened)
    assert finding.message == "opens port 22, ports 8000–8010 to the whole internet"


def test_each_rule_answers_for_its_own_ports() -> None:
    ssh, web = lone_rule("ssh", "0.0.0.0/0"), lone_rule("web", "0.0.0.0/0")
    web["change"]["after"] |= {"from_port": 443, "to_port": 443}
    assert {finding.address.rpartition(".")[2]: finding.message for finding in findings(ssh, web)} == {
        "ssh": "opens port 22 to the whole internet",
        "web": "opens port 443 to the whole internet",
    }


def test_what_is_known_after_the_apply_is_said_and_does_not_count() -> None:
    later = change("aws_iam_role_policy.x", None, {"role": "r"}, after_unknown={"policy": True})
    (finding,) = judge(document_of(later), protect_data=True)
    assert (finding.policy, finding.undecided, finding.counts) == ("iam-wildcard", True, False)


UNDECIDED: dict[str, Changes] = {
    "public-bucket": [
        updated(
            "aws_s3_bucket_public_access_block",
            BLOCKED,
            {"bucket": "b", "restrict_public_buckets": True},
            after_unknown={"block_public_acls": True},
        )
    ],
    "world-open-ingress": [
        change(
            "aws_security_group_rule.x",
            None,
            {"type": "ingress", "security_group_id": "s", "from_port": 22, "to_port": 22, "cidr_blocks": [None]},
            after_unknown={"cidr_blocks": [True]},
        )
    ],
    "encryption-lost": [
        change("aws_ebs_volume.x", {"encrypted": True}, {}, replace="encrypted", after_unknown={"encrypted": True})
    ],
    "retention-shortened": [
        updated(
            "aws_dynamodb_table",
            {"point_in_time_recovery": [{"enabled": True}]},
            {"point_in_time_recovery": [{}]},
            after_unknown={"point_in_time_recovery": [{"enabled": True}]},
        )
    ],
    "protection-lost": [
        updated("aws_lb", {"enable_deletion_protection": True}, {}, after_unknown={"enable_deletion_protection": True})
    ],
}


@pytest.mark.parametrize("policy", UNDECIDED)
def test_a_guard_that_is_known_after_the_apply_only_is_said(policy: str) -> None:
    found = judge(document_of(*UNDECIDED[policy]), protect_data=True)
    assert (policy, True) in {(finding.policy, finding.undecided) for finding in found}


def test_an_egress_rule_whose_ranges_are_unknown_is_passed() -> None:
    egress = {"type": "egress", "security_group_id": "s"}
    later = change("aws_security_group_rule.x", None, egress, after_unknown={"cidr_blocks": True})
    assert not judge(document_of(later), protect_data=True)


def test_a_document_in_which_only_an_id_is_unknown_is_judged_by_the_committed_json() -> None:
    later = change("aws_iam_role_policy.x", None, {"role": "r"}, after_unknown={"policy": True})
    written = document(statement(Action="s3:*", Resource="${aws_s3_bucket.one.arn}"))
    configured = {"aws_iam_role_policy.x": {"policy": written}}
    (finding,) = judge(document_of(later), protect_data=True, configured=configured)
    assert (finding.message, finding.counts) == ("allows s3:*", True)


def test_a_sensitive_document_is_judged_and_not_quoted() -> None:
    wide = change("aws_iam_role_policy.x", None, {"policy": document(statement(Action="hush:*"))})
    wide["change"]["after_sensitive"] = {"policy": True}
    (finding,) = findings(wide)
    assert "hush" not in finding.message


def known(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in arguments.items() if name != "//" and "${" not in json.dumps(value)}


def unknown(arguments: dict[str, Any]) -> dict[str, Any]:
    return {name: True for name, value in arguments.items() if name != "//" and "${" in json.dumps(value)}


@pytest.mark.parametrize("stack", find_stacks(ROOT), ids=lambda stack: stack.name)
def test_no_policy_minds_a_committed_stack_that_is_created(stack: Stack) -> None:
    """Each resource as its JSON says, or an exemption says why."""
    committed = read_document(stack.folder)
    changes = [
        change(f"{kind}.{name}", None, known(arguments), after_unknown=unknown(arguments))
        for kind, named in committed["resource"].items()
        for name, arguments in named.items()
    ]
    exempted = {
        f"{kind}.{name}": arguments["//"].get("exemptions", {})
        for kind, named in committed["resource"].items()
        for name, arguments in named.items()
    }
    configured = {
        f"{kind}.{name}": arguments
        for kind, named in committed["resource"].items()
        for name, arguments in named.items()
    }
    found = judge(read_plan(plan_of(*changes)), protect_data=True, configured=configured)
    assert [
        (finding.policy, finding.address, finding.message)
        for finding in found
        if finding.counts and not exempted[finding.address]
    ] == []
