"""An IAM user for a program that takes nothing but an access key."""

from __future__ import annotations

from typing import Final

from cdktf_cdktf_provider_aws.iam_user import IamUser
from cdktf_cdktf_provider_aws.iam_user_policy import IamUserPolicy
from constructs import Construct

from modules.naming import physical_name
from modules.refusals import exempt


class ServiceUser(Construct):
    """An IAM user with what it is granted and nothing else; `reason` says why a role would not do.

    It has no access key: an operator's command makes one and keeps it in a secret, so that none stands in a state. That
    key goes with the user.
    """

    def __init__(self, scope: Construct, id_: str, *, name: str, reason: str) -> None:
        super().__init__(scope, id_)
        self._user = IamUser(self, "Default", name=physical_name(name, max_length=64), force_destroy=True)
        self._reason = reason
        exempt(self._user, "CKV_AWS_273", reason=reason)
        self.name: Final[str] = self._user.name
        self.arn: Final[str] = self._user.arn

    @property
    def grantee_role(self) -> str:
        """Its name in the ids of grants."""
        return self.node.id

    def attach_policy(self, scope: Construct, id_: str, policy: str) -> None:
        """Attaches a policy document to the user."""
        place = [*scope.node.path.split("/")[1:], id_]
        attached = IamUserPolicy(
            scope, id_, name=physical_name(*place, max_length=128), user=self._user.name, policy=policy
        )
        exempt(attached, "CKV_AWS_40", reason=self._reason)
