"""A picture of a stack, drawn from its Terraform JSON as a Mermaid flowchart.

Boxes are what runs and what holds data. Solid arrows are what security groups let through, dotted ones what IAM allows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Attributes = Mapping[str, Any]

_REFERENCE = re.compile(r"\b(aws_\w+)\.(\w+)")
_ANYWHERE = "0.0.0.0/0"
_GRANT = re.compile(r"(?P<what>\w+)_by_\w+")
_ZONES = "availability_zone"


@dataclass(frozen=True)
class _Kind:
    """How a resource type is drawn: its shape as Mermaid brackets, and what is said below its name."""

    brackets: tuple[str, str]
    detail: Callable[[Attributes], str]
    in_network: bool = True
    """True when it stands in the subnets it names, and does not only let others run there."""


def _words(*keys: str, before: str = "") -> Callable[[Attributes], str]:
    return lambda resource: " ".join(filter(None, [before, *(str(resource.get(key, "")) for key in keys)]))


def _fleet(resource: Attributes) -> str:
    return f"{resource['min_size']} to {resource['max_size']} EC2 instances"


def _replication_group(resource: Attributes) -> str:
    shards, replicas = resource.get("num_node_groups"), resource.get("replicas_per_node_group")
    nodes = f", {shards} × {1 + replicas} nodes" if shards and replicas is not None else ""
    return f"{resource.get('engine', 'redis')} {resource.get('engine_version', '')} {resource['node_type']}{nodes}"


def _task(resource: Attributes) -> str:
    return f"{' or '.join(resource['requires_compatibilities']).title()} task, {resource['memory']} MiB"


_BOX, _STORE, _ROUND = ("[", "]"), ("[(", ")]"), ("(", ")")
_KINDS: Mapping[str, _Kind] = {
    "aws_autoscaling_group": _Kind(_BOX, _fleet),
    "aws_cloudfront_distribution": _Kind(_ROUND, _words(before="CloudFront")),
    "aws_db_instance": _Kind(_STORE, _words("engine", "engine_version", "instance_class")),
    "aws_dynamodb_table": _Kind(_STORE, _words("name", before="DynamoDB")),
    "aws_ecs_service": _Kind(_BOX, _words(before="ECS service")),
    "aws_ecs_task_definition": _Kind(_BOX, _task),
    "aws_elastic_beanstalk_environment": _Kind(_BOX, _words(before="Elastic Beanstalk")),
    "aws_elasticache_cluster": _Kind(_STORE, _words("engine", "engine_version", "node_type")),
    "aws_elasticache_replication_group": _Kind(_STORE, _replication_group),
    "aws_iam_user": _Kind(_BOX, _words(before="IAM user")),
    "aws_instance": _Kind(_BOX, _words("instance_type", before="EC2")),
    "aws_lambda_function": _Kind(_BOX, _words("runtime", before="Lambda")),
    "aws_lb": _Kind(_ROUND, _words("load_balancer_type", before="load balancer,")),
    "aws_rds_cluster": _Kind(_STORE, _words("engine", "engine_version")),
    "aws_s3_bucket": _Kind(_STORE, _words(before="S3")),
    "aws_scheduler_schedule": _Kind(_ROUND, _words("schedule_expression", before="EventBridge Scheduler")),
    "aws_secretsmanager_secret": _Kind(_STORE, _words(before="secret")),
    "aws_sfn_state_machine": _Kind(_BOX, _words(before="Step Functions"), in_network=False),
    "aws_sns_topic": _Kind(_ROUND, _words(before="SNS")),
    "aws_sqs_queue": _Kind(_ROUND, _words(before="SQS")),
}


def mermaid(document: Mapping[str, Any]) -> str:
    """The flowchart of a stack's Terraform JSON; what no arrow reaches, such as buckets of logs, is left out."""
    return "\n".join(_Diagram(document).lines())


class _Diagram:
    """One stack, with its resources found by address and by their place in the construct tree."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self.resources: dict[str, dict[str, Attributes]] = document.get("resource", {})
        self.places = {
            _place(resource): f"{kind}.{name}"
            for kind in _KINDS
            for name, resource in self.resources.get(kind, {}).items()
        }
        self.arrows: dict[tuple[str, str, str], set[str]] = {}
        self._draw_ingress()
        self._draw_egress()
        self._draw_grants()
        self._draw_deliveries()

    def lines(self) -> Iterator[str]:
        """The flowchart, the same for the same document."""
        used = {end for source, target, _ in self.arrows for end in (source, target)}
        subnets = {address: self._subnets_of(address) for address in sorted(set(self.places.values()) & used)}
        outer = [address for address, where in subnets.items() if not where]
        yield "flowchart LR"
        if "world" in used:
            yield '  world(["the world"])'
        yield from (f'  {_id(block)}(["{block}"])' for block in sorted(used) if _is_block(block))
        groups = sorted({where for where in subnets.values() if where}, key=lambda where: (not where[0], where))
        if groups:
            yield f'  subgraph vpc["{self._vpc()}"]'
            for where in groups:
                public, zones = where
                kind = "public" if public else "private"
                letters = "_".join(zone[-1] for zone in zones)
                yield f'    subgraph {kind}_{letters}["{kind} subnets in {_listed(zones)}"]'
                yield from (f"      {self._box(address)}" for address, there in subnets.items() if there == where)
                yield "    end"
            yield "  end"
        yield from (f"  {self._box(address)}" for address in outer)
        if "internet" in used:
            yield '  internet(["the internet"])'
        for (source, target, line), labels in sorted(self.arrows.items()):
            opening, closing = ("-.", ".->") if line == "iam" else ("--", "-->")
            yield f'  {_id(source)} {opening} "{", ".join(sorted(labels))}" {closing} {_id(target)}'

    def _draw_ingress(self) -> None:
        for rule in self._of_type("aws_vpc_security_group_ingress_rule"):
            peer = rule.get("referenced_security_group_id")
            block = rule.get("cidr_ipv4", "")
            source = self._owner(peer) if peer else "world" if block == _ANYWHERE else block
            for target in self._members(rule["security_group_id"]):
                self._arrow(source, target, self._port_label(target, source, rule))

    def _draw_egress(self) -> None:
        for rule in self._of_type("aws_vpc_security_group_egress_rule"):
            if rule.get("cidr_ipv4") == _ANYWHERE:
                self._arrow(self._owner(rule["security_group_id"]), "internet", _ports(rule))

    def _draw_grants(self) -> None:
        policies = [(policy, policy["role"]) for policy in self._of_type("aws_iam_role_policy")]
        policies += [(policy, policy["user"]) for policy in self._of_type("aws_iam_user_policy")]
        for policy, holder in policies:
            granted, grantee = self._enclosing(_place(policy)), self._owner(holder)
            found = _GRANT.fullmatch(_place(policy).rsplit("/", 1)[-1])
            if granted and grantee and found:
                self._arrow(grantee, granted, found["what"].replace("_", " "), line="iam")

    def _draw_deliveries(self) -> None:
        for distribution in self._of_type("aws_cloudfront_distribution"):
            here = self._enclosing(_place(distribution))
            self._arrow("world", here, "HTTPS")
            for origin in distribution["origin"]:
                self._arrow(here, self._owner(origin["domain_name"]), "fetches")

    def _arrow(self, source: str | None, target: str | None, label: str, *, line: str = "network") -> None:
        if source and target and source != target:
            self.arrows.setdefault((source, target, line), set()).add(label)

    def _port_label(self, target: str | None, source: str | None, rule: Attributes) -> str:
        """The port, and what the load balancer at either end makes of it."""
        port = rule.get("from_port")
        for listener in self._of_type("aws_lb_listener"):
            if self._owner(listener["load_balancer_arn"]) == target and listener.get("port") == port:
                redirects = listener["default_action"][0]["type"] == "redirect"
                return f"{listener['protocol']} {port}{' redirected' if redirects else ''}"
        for group in self._of_type("aws_lb_target_group"):
            if self._enclosing(_place(group)) == source and group.get("port") == port:
                return f"{group['protocol']} {port} healthy by {group['health_check'].get('path', 'its port')}"
        return _ports(rule)

    def _of_type(self, kind: str) -> list[Attributes]:
        return [resource for _, resource in sorted(self.resources.get(kind, {}).items())]

    def _owner(self, reference: str) -> str | None:
        """The box that the resource a reference points to belongs to."""
        found = _REFERENCE.search(reference)
        return self._enclosing(_place(self.resources[found[1]][found[2]])) if found else None

    def _members(self, security_group: str) -> list[str]:
        """The box that owns the security group, or, of one that several share, each that stands in it."""
        if owner := self._owner(security_group):
            return [owner]
        return [
            address
            for address in sorted(self.places.values())
            if security_group in self._resource(address).get("vpc_security_group_ids", ())
        ]

    def _resource(self, address: str) -> Attributes:
        kind, _, name = address.partition(".")
        return self.resources[kind][name]

    def _enclosing(self, place: str) -> str | None:
        words = place.split("/")
        for length in range(len(words), 0, -1):
            if address := self.places.get("/".join(words[:length])):
                return address
        return None

    def _subnets_of(self, address: str) -> tuple[bool, tuple[str, ...]] | None:
        """True for public subnets of a box, and their zones; None for what has no place in the network.

        A task stands where those who run it say.
        """
        kind, _, name = address.partition(".")
        if not _KINDS[kind].in_network:
            return None
        is_task = kind == "aws_ecs_task_definition"
        mine = [
            resource
            for named in self.resources.values()
            for resource in named.values()
            if self._enclosing(_place(resource)) == address or (is_task and (kind, name) in _references(resource))
        ]
        names = {name for resource in mine for kind, name in _references(resource) if kind == "aws_subnet"}
        subnets = [self.resources["aws_subnet"][name] for name in sorted(names)]
        if not subnets:
            return None
        return bool(names & self._public()), tuple(sorted({subnet[_ZONES] for subnet in subnets}))

    def _public(self) -> set[str]:
        """The names of the subnets whose routes lead to an internet gateway."""
        tables = {_named(route["route_table_id"]) for route in self._of_type("aws_route") if route.get("gateway_id")}
        return {
            _named(link["subnet_id"])
            for link in self._of_type("aws_route_table_association")
            if _named(link["route_table_id"]) in tables
        }

    def _vpc(self) -> str:
        return ", ".join(f"VPC {vpc['cidr_block']}" for vpc in self._of_type("aws_vpc"))

    def _box(self, address: str) -> str:
        kind, name = address.split(".")
        drawn = _KINDS[kind]
        detail = drawn.detail(self.resources[kind][name])
        opening, closing = drawn.brackets
        return f'{_id(address)}{opening}"<b>{name}</b><br>{detail}"{closing}'


def _place(resource: Attributes) -> str:
    """Where a resource stands in the construct tree, without the stack and without `Default`."""
    words = str(resource["//"]["metadata"]["path"]).split("/")[1:]
    return "/".join(word for word in words if word != "Default")


def _references(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield from _REFERENCE.findall(value)
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


def _named(reference: str) -> str:
    found = _REFERENCE.search(reference)
    return found[2] if found else ""


def _ports(rule: Attributes) -> str:
    low, high = rule.get("from_port"), rule.get("to_port")
    protocol = str(rule.get("ip_protocol", "")).upper().replace("-1", "any")
    return f"{protocol} {low}" if low == high else f"{protocol} {low}–{high}"


def _is_block(end: str) -> bool:
    return "/" in end


def _id(end: str) -> str:
    return "from_" + re.sub(r"\W", "_", end) if _is_block(end) else end.rsplit(".", 1)[-1]


def _listed(zones: tuple[str, ...]) -> str:
    """`eu-central-1a, b, c`."""
    return ", ".join([zones[0], *(zone[-1] for zone in zones[1:])])
