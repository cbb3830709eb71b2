"""Computed attributes that mirror resources of the stack, such as a group's `ingress` or a bucket's `policy`.

They change on the first refresh after an apply, when the parent was created before its rules. Whatever a resource of
the stack declares is judged and shown there, with its exemptions; whatever nobody declares stays at the parent.
Source: argument references of the AWS provider 5.100.0, read 2026-11-28.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from operations.plans.plan_document import Action, Change, PlanDocument

Values = Mapping[str, object]


@dataclass(frozen=True)
class _Whole:
    """An attribute that one resource declares altogether; `key` is the argument that names the parent."""

    declared_by: str
    key: str

    @property
    def types(self) -> tuple[str, ...]:
        """Types of resources that declare it."""
        return (self.declared_by,)


@dataclass(frozen=True)
class _Elements:
    """A list of which each element is declared by a resource of its own: both sides as comparable parts."""

    types: tuple[str, ...]
    key: str
    of_element: Callable[[object], Iterable[object]]
    of_resource: Callable[[Values], Iterable[object]]


def _bucket(name: str) -> _Whole:
    return _Whole(f"aws_s3_bucket_{name}", "bucket")


def _block_parts(element: object) -> Iterator[tuple[object, ...]]:
    """A security group's block as (protocol, ports, source), one for each source."""
    block = _block(element)
    ports = _ports(block.get("protocol"), block.get("from_port"), block.get("to_port"))
    for name in ("cidr_blocks", "ipv6_cidr_blocks", "prefix_list_ids", "security_groups"):
        for source in _items(block.get(name)):
            yield (*ports, str(source))
    if block.get("self"):
        yield (*ports, "self")


def _rule_parts(values: Values) -> Iterator[tuple[object, ...]]:
    ports = _ports(values.get("ip_protocol"), values.get("from_port"), values.get("to_port"))
    for name in ("cidr_ipv4", "cidr_ipv6", "prefix_list_id", "referenced_security_group_id"):
        if source := values.get(name):
            yield (*ports, "self" if source == values.get("security_group_id") else str(source))
            yield (*ports, str(source))


def _classic_parts(kind: str) -> Callable[[Values], Iterator[tuple[object, ...]]]:
    def parts(values: Values) -> Iterator[tuple[object, ...]]:
        if values.get("type") == kind:
            group = values.get("source_security_group_id")
            yield from _block_parts({**values, "security_groups": [group] if group else []})

    return parts


def _block(element: object) -> Values:
    """The attributes of a block; none where the plan has another form."""
    return element if isinstance(element, dict) else {}


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _ports(protocol: object, low: object, high: object) -> tuple[object, ...]:
    if str(protocol) in ("-1", "all"):
        return "-1", 0, 0
    return str(protocol), low or 0, high or 0


def _rules(kind: str) -> _Elements:
    classic = _classic_parts(kind)
    return _Elements(
        (f"aws_vpc_security_group_{kind}_rule", "aws_security_group_rule"),
        "security_group_id",
        _block_parts,
        lambda values: classic(values) if "type" in values else _rule_parts(values),
    )


def _normal(document: object) -> str:
    try:
        return json.dumps(json.loads(str(document)), sort_keys=True)
    except (ValueError, RecursionError):
        return str(document)


_MIRRORS: Mapping[str, Mapping[str, _Whole | _Elements]] = {
    "aws_security_group": {"ingress": _rules("ingress"), "egress": _rules("egress")},
    "aws_iam_role": {
        "inline_policy": _Elements(
            ("aws_iam_role_policy",),
            "role",
            lambda block: [(_block(block).get("name"), _normal(_block(block).get("policy")))],
            lambda values: [(values.get("name"), _normal(values.get("policy")))],
        ),
        "managed_policy_arns": _Elements(
            ("aws_iam_role_policy_attachment",), "role", lambda arn: [arn], lambda values: [values.get("policy_arn")]
        ),
    },
    "aws_s3_bucket": {
        "acceleration_status": _bucket("accelerate_configuration"),
        "acl": _bucket("acl"),
        "cors_rule": _bucket("cors_configuration"),
        "grant": _bucket("acl"),
        "lifecycle_rule": _bucket("lifecycle_configuration"),
        "logging": _bucket("logging"),
        "object_lock_configuration": _bucket("object_lock_configuration"),
        "policy": _bucket("policy"),
        "replication_configuration": _bucket("replication_configuration"),
        "request_payer": _bucket("request_payment_configuration"),
        "server_side_encryption_configuration": _bucket("server_side_encryption_configuration"),
        "versioning": _bucket("versioning"),
        "website": _bucket("website_configuration"),
        "website_domain": _bucket("website_configuration"),
        "website_endpoint": _bucket("website_configuration"),
    },
    "aws_sns_topic": {"policy": _Whole("aws_sns_topic_policy", "arn")},
    "aws_sqs_queue": {
        "policy": _Whole("aws_sqs_queue_policy", "queue_url"),
        "redrive_policy": _Whole("aws_sqs_queue_redrive_policy", "queue_url"),
        "redrive_allow_policy": _Whole("aws_sqs_queue_redrive_allow_policy", "queue_url"),
    },
    "aws_kms_key": {"policy": _Whole("aws_kms_key_policy", "key_id")},
    "aws_secretsmanager_secret": {"policy": _Whole("aws_secretsmanager_secret_policy", "secret_arn")},
}

_KEYS: Mapping[str, frozenset[str]] = {
    kind: frozenset(
        mirror.key for attributes in _MIRRORS.values() for mirror in attributes.values() if kind in mirror.types
    )
    for attributes in _MIRRORS.values()
    for mirror in attributes.values()
    for kind in mirror.types
}
"""Arguments that name the parent, by the type of the resource that declares."""


def without_mirrors(plan: PlanDocument) -> PlanDocument:
    """The plan whose drift leaves out what resources of the stack declare."""
    if not plan.drift:
        return plan
    declared: dict[tuple[str, str], list[Values]] = defaultdict(list)
    for resource in plan.existing:
        for key in _KEYS.get(resource.type, ()):
            declared[resource.type, str(resource.values.get(key))].append(resource.values)
    return replace(plan, drift=tuple(_without(change, declared) for change in plan.drift))


_Declared = Mapping[tuple[str, str], Sequence[Values]]
"""Resources by their type and by the parent that they name."""


def _without(change: Change, existing: _Declared) -> Change:
    mirrors = _MIRRORS.get(change.type, {})
    if change.action is not Action.UPDATE or not isinstance(change.after, dict) or not isinstance(change.before, dict):
        return change
    after = dict(change.after)
    if change.type == "aws_elastic_beanstalk_environment":
        after |= {
            name: change.before[name]
            for name in ("setting", "all_settings")
            if name in change.before and _unordered(change.before.get(name)) == _unordered(after.get(name))
        }
    for name, mirror in mirrors.items():
        if change.before.get(name) != after.get(name):
            after[name] = _undeclared(change, name, mirror, existing)
    if after == change.before:
        return replace(change, after=after, action=Action.NO_OP)
    return replace(change, after=after)


_LISTS = ("ELBSubnets", "SecurityGroups", "Subnets")
"""Options of Elastic Beanstalk with ids that the provider sorts when it reads an environment.

`fetchEnvironmentSettings` and `dropGeneratedSecurityGroup` sort them (internal/service/elasticbeanstalk/environment.go
of hashicorp/aws, 2026-11-29). The hash of a setting sorts as well, so that plans show no change; Terraform's
`resource_drift` compares the texts of the state.
"""


def _unordered(settings: object) -> list[str] | None:
    """Option settings of Elastic Beanstalk as texts that are equal when only an order differs."""
    if not isinstance(settings, list):
        return None
    known = [setting if isinstance(setting, dict) else {} for setting in settings]
    values = [
        sorted(str(one.get("value")).split(",")) if one.get("name") in _LISTS else one.get("value") for one in known
    ]
    return sorted(
        json.dumps([one, value], sort_keys=True)
        for one, value in zip([{**one, "value": None} for one in known], values, strict=True)
    )


def _undeclared(change: Change, name: str, mirror: _Whole | _Elements, existing: _Declared) -> object:
    """The attribute without what is declared elsewhere: as it was before where that is all."""
    before, after = change.was(name), change.becomes(name)
    parents = {str(parent) for key in ("id", "arn", "url", "name", "bucket", "key_id") if (parent := change.was(key))}
    declared = [values for kind in mirror.types for parent in parents for values in existing.get((kind, parent), ())]
    if isinstance(mirror, _Whole):
        return before if declared else after
    if not isinstance(after, list) or not isinstance(before, list | None):
        return after
    known = {part for values in declared for part in mirror.of_resource(values)}
    then = {part for element in before or () for part in mirror.of_element(element)}
    now = {part for element in after for part in mirror.of_element(element)}
    if then - now - known:
        return after
    strange = [element for element in after if not set(mirror.of_element(element)) <= known | then]
    return [*(before or ()), *strange] if strange else before
