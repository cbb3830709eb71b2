"""A construct that reaches others and is granted things, with as little behind it as possible."""

from __future__ import annotations

from constructs import Construct

from modules.access import Connections
from modules.instance_role import InstanceRole
from modules.stack import DeploymentStack


class Peer(Construct):
    """A security group and a role: `Peer(stack, "web")` is called `web` in rules and grants."""

    def __init__(self, scope: DeploymentStack, id_: str) -> None:
        super().__init__(scope, id_)
        self.connections = Connections(self, name=id_, vpc_id="vpc-0a1b2c3d4e5f60718", description=id_)
        self._role = InstanceRole(self, "role", name=id_)

    @property
    def grantee_role(self) -> str:
        return self.node.id

    def attach_policy(self, scope: Construct, id_: str, policy: str) -> None:
        self._role.attach_policy(scope, id_, policy)
