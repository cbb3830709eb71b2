"""What EC2 instances may do in AWS."""

from __future__ import annotations

from typing import Final

from cdktf_cdktf_provider_aws.iam_instance_profile import IamInstanceProfile
from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from cdktf_cdktf_provider_aws.iam_role_policy_attachment import IamRolePolicyAttachment
from constructs import Construct

from modules.naming import physical_name
from modules.order import Prerequisites
from modules.policy import assumed_by


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
        """What it may do: what starts an instance waits for these, those granted later as well."""
        self.attach_managed_policy(self, "session_manager", "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")
        profile = IamInstanceProfile(self, "profile", name=self._role.name, role=self._role.name)
        self.arn: Final[str] = self._role.arn
        self.profile_name: Final[str] = profile.name
        self.profile_arn: Final[str] = profile.arn

    def attach_managed_policy(self, scope: Construct, id_: str, arn: str) -> None:
        """Attaches a policy that AWS keeps."""
        self.rights.add(IamRolePolicyAttachment(scope, id_, role=self._role.name, policy_arn=arn))

    def attach_policy(self, scope: Construct, id_: str, policy: str) -> None:
        """Attaches the policy document with a resource `id_` in `scope`; the place in the tree is its name in AWS."""
        place = [*scope.node.path.split("/")[1:], id_]
        name = physical_name(*place, max_length=128)
        self.rights.add(IamRolePolicy(scope, id_, name=name, role=self._role.name, policy=policy))
