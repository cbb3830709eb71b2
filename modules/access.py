"""Access: network connections and IAM grants, named by intent.

What is reached owns the rule, so constructs form no cycles: `database.connections.allow_from(web)` makes
`aws_vpc_security_group_ingress_rule.database_from_web`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Protocol

from cdktf_cdktf_provider_aws.security_group import SecurityGroup
from cdktf_cdktf_provider_aws.vpc_security_group_egress_rule import VpcSecurityGroupEgressRule
from cdktf_cdktf_provider_aws.vpc_security_group_ingress_rule import VpcSecurityGroupIngressRule
from constructs import Construct

from modules.order import Prerequisites
from modules.refusals import exempt

ANYWHERE = "0.0.0.0/0"


class Connections:
    """The security group of one construct, and the port its clients use.

    It begins closed both ways. `scope` is the construct that owns it and `port` what it listens on, if anything.
    """

    def __init__(self, scope: Construct, *, name: str, vpc_id: str, port: int | None = None, description: str) -> None:
        self._scope = scope
        self._port = port
        self._group = group = SecurityGroup(
            scope, "security_group", name=name, description=description, vpc_id=vpc_id, tags={"Name": name}
        )
        self.role: Final[str] = scope.node.id
        """The owning construct's id: its name in rules."""
        self.security_group_id: Final[str] = group.id
        """For the resources of the owning construct."""
        self.rules: Final[Prerequisites] = Prerequisites()
        """Every rule that opens a way to or from this construct: what starts its programs waits for them."""

    def exempt(self, *rules: str, reason: str) -> None:
        """Exempts the security group from `rules`, with the reason beside it."""
        exempt(self._group, *rules, reason=reason)

    def allow_from(self, peer: Connectable, *, port: int | None = None) -> None:
        """Lets `peer` reach this construct on `port`, its own port when left out, and opens both sides for it."""
        number = self._listening(port)
        suffix = "" if number == self._port else f"_{number}"
        description = f"{peer.connections.role} reaches {self.role}"
        rule = VpcSecurityGroupIngressRule(
            self._scope,
            f"from_{peer.connections.role}{suffix}",
            security_group_id=self.security_group_id,
            referenced_security_group_id=peer.connections.security_group_id,
            ip_protocol="tcp",
            from_port=number,
            to_port=number,
            description=description,
        )
        if number == 80:
            exempt(rule, "CKV_AWS_260", reason="only the instances of another security group may come in")
        way_out = VpcSecurityGroupEgressRule(
            self._scope,
            f"from_{peer.connections.role}{suffix}_egress",
            security_group_id=peer.connections.security_group_id,
            referenced_security_group_id=self.security_group_id,
            ip_protocol="tcp",
            from_port=number,
            to_port=number,
            description=description,
        )
        for side in (self, peer.connections):
            side.rules.add(rule, way_out)

    def allow_from_cidr_blocks(self, blocks: Sequence[str], *, port: int | None = None, reason: str) -> None:
        """Lets addresses outside the VPC reach this construct; `reason` is written at every rule."""
        number = self._listening(port)
        for block in blocks:
            rule = VpcSecurityGroupIngressRule(
                self._scope,
                f"from_{'anywhere' if block == ANYWHERE else block.replace('.', '_').replace('/', '_')}_{number}",
                security_group_id=self.security_group_id,
                cidr_ipv4=block,
                ip_protocol="tcp",
                from_port=number,
                to_port=number,
                description=f"{block} reaches {self.role}",
            )
            self.rules.add(rule)
            if block == ANYWHERE:
                exempt(rule, "world-open-ingress", *(["CKV_AWS_260"] if number == 80 else []), reason=reason)

    def allow_to_internet(self, *, ports: Sequence[int]) -> None:
        """Lets this construct open connections to anywhere on `ports`: package repositories, AWS, other APIs."""
        for number in ports:
            way_out = VpcSecurityGroupEgressRule(
                self._scope,
                f"to_internet_{number}",
                security_group_id=self.security_group_id,
                cidr_ipv4=ANYWHERE,
                ip_protocol="tcp",
                from_port=number,
                to_port=number,
                description=f"{self.role} reaches the internet",
            )
            self.rules.add(way_out)

    def _listening(self, port: int | None) -> int:
        number = self._port if port is None else port
        if number is None:
            raise ValueError(f"{self.role} listens on no port of its own: say which one with port=")
        return number


class Connectable(Protocol):
    """A construct with a place in the network."""

    @property
    def connections(self) -> Connections:
        """Its security group and the rules that open it."""
        ...


class Grantable(Protocol):
    """An identity that policies can be attached to: an instance's role, a function's role, an IAM user."""

    @property
    def grantee_role(self) -> str:
        """Its name in ids: `web` makes `uploads_read_by_web`."""
        ...

    def attach_policy(self, scope: Construct, id_: str, policy: str) -> None:
        """Attaches the policy document `policy` to this identity with a resource `id_` in `scope`."""
        ...
