"""Rights that a call needs besides its own action: tags on what it creates, and roles that it passes on.

Source: AWS, "Actions, resources, and condition keys" of each service and "Grant a user permissions to pass a role to
an AWS service", read 2026-11-29.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from emulator.call import Call

_TAGGING: Final[Mapping[str, str]] = {
    "acm": "acm:AddTagsToCertificate",
    "application-autoscaling": "application-autoscaling:TagResource",
    "autoscaling": "autoscaling:CreateOrUpdateTags",
    "backup": "backup:TagResource",
    "cloudfront": "cloudfront:TagResource",
    "cloudwatch": "cloudwatch:TagResource",
    "dynamodb": "dynamodb:TagResource",
    "ec2": "ec2:CreateTags",
    "ecr": "ecr:TagResource",
    "ecs": "ecs:TagResource",
    "elasticache": "elasticache:AddTagsToResource",
    "elasticbeanstalk": "elasticbeanstalk:AddTags",
    "elbv2": "elasticloadbalancing:AddTags",
    "events": "events:TagResource",
    "imagebuilder": "imagebuilder:TagResource",
    "kms": "kms:TagResource",
    "lambda": "lambda:TagResource",
    "logs": "logs:TagResource",
    "rds": "rds:AddTagsToResource",
    "secretsmanager": "secretsmanager:TagResource",
    "sns": "sns:TagResource",
    "ssm": "ssm:AddTagsToResource",
    "stepfunctions": "states:TagResource",
}
"""Action that a creation with tags needs on the same resource."""
_TAGGING_OF_IAM: Final[Mapping[str, str]] = {
    "CreateInstanceProfile": "iam:TagInstanceProfile",
    "CreateRole": "iam:TagRole",
    "CreateUser": "iam:TagUser",
}
_TAGS: Final = ("BackupPlanTags", "BackupVaultTags", "TagSpecifications", "Tags", "tags")
_PASSED: Final[Mapping[tuple[str, str], tuple[tuple[str, str], ...]]] = {
    ("backup", "CreateBackupSelection"): (("BackupSelection.IamRoleArn", "backup.amazonaws.com"),),
    ("ec2", "CreateFlowLogs"): (("DeliverLogsPermissionArn", "vpc-flow-logs.amazonaws.com"),),
    ("ecs", "RegisterTaskDefinition"): (
        ("executionRoleArn", "ecs-tasks.amazonaws.com"),
        ("taskRoleArn", "ecs-tasks.amazonaws.com"),
    ),
    ("iam", "AddRoleToInstanceProfile"): (("RoleName", "ec2.amazonaws.com"),),
    ("lambda", "CreateFunction"): (("Role", "lambda.amazonaws.com"),),
    ("lambda", "UpdateFunctionConfiguration"): (("Role", "lambda.amazonaws.com"),),
    ("rds", "CreateDBInstance"): (("MonitoringRoleArn", "monitoring.rds.amazonaws.com"),),
    ("rds", "ModifyDBInstance"): (("MonitoringRoleArn", "monitoring.rds.amazonaws.com"),),
    ("s3", "PutBucketReplication"): (("ReplicationConfiguration.Role", "s3.amazonaws.com"),),
    ("scheduler", "CreateSchedule"): (("Target.RoleArn", "scheduler.amazonaws.com"),),
    ("scheduler", "UpdateSchedule"): (("Target.RoleArn", "scheduler.amazonaws.com"),),
    ("stepfunctions", "CreateStateMachine"): (("roleArn", "states.amazonaws.com"),),
    ("stepfunctions", "UpdateStateMachine"): (("roleArn", "states.amazonaws.com"),),
}
"""Parameters with a role, and the service that the role is passed to."""


def tagging(call: Call) -> str:
    """The action that tags what the call creates; empty when it creates nothing with tags."""
    if not any(call.parameters.get(name) for name in _TAGS):
        return ""
    return _TAGGING_OF_IAM.get(call.action, "") if call.service == "iam" else _TAGGING.get(call.service, "")


def passed_roles(call: Call) -> Iterator[tuple[str, str]]:
    """ARN of each role that the call passes on, and the service it is for."""
    for path, service in _PASSED.get((call.service, call.action), ()):
        value: Any = call.parameters
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        if isinstance(value, str) and value:
            yield value if value.startswith("arn:") else f"arn:aws:iam::{call.account_id}:role/{value}", service
