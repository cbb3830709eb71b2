"""The IAM role of an AWS service that acts on our behalf."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cdktf_cdktf_provider_aws.iam_role import IamRole
from cdktf_cdktf_provider_aws.iam_role_policy import IamRolePolicy
from constructs import Construct

from modules.naming import physical_name
from modules.order import Prerequisites
from modules.policy import assumed_by


class ServiceRole(Construct):
    """The role that `service`, such as `states.amazonaws.com`, takes on; it may do what it is granted.

    `conditions` narrow down for whom the service may take it on.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        service: str,
        grantee_role: str,
        conditions: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        super().__init__(scope, id_)
        self.grantee_role: Final[str] = grantee_role
        """Its name in the ids of grants: the id of the construct it belongs to."""
        self._role = IamRole(
            self,
            "Default",
            name=physical_name(name, max_length=64),
            assume_role_policy=assumed_by(service, conditions=conditions),
        )
        self.arn: Final[str] = self._role.arn
        self.rights: Final[Prerequisites] = Prerequisites()
        """Rights of the role: what works in it waits for these, those granted later as well."""

    def attach_policy(self, scope: Construct, id_: str, policy: str) -> None:
        """Attaches the policy document with a resource `id_` in `scope`; the place in the tree is its name in AWS."""
        place = [*scope.node.path.split("/")[1:], id_]
        name = physical_name(*place, max_length=128)
        self.rights.add(IamRolePolicy(scope, id_, name=name, role=self._role.name, policy=policy))
