"""The IAM role of EC2 instances."""

from __future__ import annotations

from typing import Final

from cdktf_cdktf_provider_aws.iam_instance_profile import IamInstanceProfile
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from constructs import Construct

from modules.naming import physical_name
from modules.order import Prerequisites
from modules.policy import allow, assumed_by, document
from modules.refusals import exempt

_SESSIONS_AND_COMMANDS = (
    "ec2messages:AcknowledgeMessage",
    "ec2messages:DeleteMessage",
    "ec2messages:FailMessage",
    "ec2messages:GetEndpoint",
    "ec2messages:GetMessages",
    "ec2messages:SendReply",
    "ssm:DescribeAssociation",
    "ssm:DescribeDocument",
    "ssm:GetDocument",
    "ssm:ListAssociations",
    "ssm:ListInstanceAssociations",
    "ssm:UpdateAssociationStatus",
    "ssm:UpdateInstanceAssociationStatus",
    "ssm:UpdateInstanceInformation",
    "ssmmessages:CreateControlChannel",
    "ssmmessages:CreateDataChannel",
    "ssmmessages:OpenControlChannel",
    "ssmmessages:OpenDataChannel",
)
"""Calls of the SSM agent for sessions and commands: AmazonSSMManagedInstanceCore (read 2026-11-28) without what reads
every parameter of the account, and without patches and inventories, which nothing here asks of an instance."""


class InstanceRole(Construct):
    """The role of instances, open to Session Manager and Run Command in place of SSH, otherwise to what it is granted.

    The instance profile has the role's name.
    """

    def __init__(self, scope: Construct, id_: str, *, name: str) -> None:
        super().__init__(scope, id_)
        self._role = IamRole(
            self,
            "Default",
            name=physical_name(name, max_length=64),
            assume_role_policy=assumed_by("ec2.amazonaws.com"),
        )
        self.rights: Final[Prerequisites] = Prerequisites()
        """Rights of the role: what starts an instance waits for these, those granted later as well."""
        sessions = self.attach_policy(
            self,
            "session_manager",
            document(allow("AnswerSystemsManager", actions=_SESSIONS_AND_COMMANDS, resources=["*"])),
        )
        exempt(
            sessions,
            "iam-wildcard",
            reason="the agent needs every action of ec2messages and ssmmessages; none is for one resource",
        )
        profile = IamInstanceProfile(self, "profile", name=self._role.name, role=self._role.name)
        self.arn: Final[str] = self._role.arn
        self.profile_name: Final[str] = profile.name
        self.profile_arn: Final[str] = profile.arn

    def attach_policy(self, scope: Construct, id_: str, policy: str) -> IamRolePolicy:
        """Attaches the policy document with a resource `id_` in `scope`; the place in the tree is its name in AWS."""
        place = [*scope.node.path.split("/")[1:], id_]
        name = physical_name(*place, max_length=128)
        attached = IamRolePolicy(scope, id_, name=name, role=self._role.name, policy=policy)
        self.rights.add(attached)
        return attached
