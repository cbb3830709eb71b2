"""Measurements of the operating system below a database."""

from __future__ import annotations

from typing import Final

from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from constructs import Construct

from modules.naming import physical_name
from modules.policy import assumed_by
from modules.stack import DeploymentStack


class EnhancedMonitoringRole(Construct):
    """The role RDS takes on to report the operating system of the database `name` to CloudWatch Logs."""

    def __init__(self, scope: Construct, id_: str, *, name: str) -> None:
        super().__init__(scope, id_)
        account_id = DeploymentStack.of_construct(self).environment.account_id
        role = IamRole(
            self,
            "Default",
            name=physical_name(name, "monitoring", max_length=64),
            assume_role_policy=assumed_by(
                "monitoring.rds.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": account_id}}
            ),
        )
        attachment = IamRolePolicyAttachment(
            self,
            "report",
            role=role.name,
            policy_arn="arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole",
        )
        self.arn: Final[str] = f"arn:aws:iam::{account_id}:role/{attachment.role}"
        """Known after the role may report: RDS refuses one that may not."""
