"""Connections that a stack's security groups let through, read from its Terraform JSON: from, to and ports."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

INTERNET = "the internet"
_ANYWHERE = "0.0.0.0/0"
_GROUP = re.compile(r"\$\{aws_security_group\.(\w+?)(?:_security_group)?\.id\}")
_RULE = "aws_vpc_security_group_{}_rule"


@dataclass(frozen=True, order=True)
class Connection:
    """One side may open connections to the other on some ports."""

    source: str
    target: str
    ports: str


def opened(document: Mapping[str, Any]) -> set[Connection]:
    """Connections that the rules of their sources let out."""
    return set(_connections(document, "egress"))


def admitted(document: Mapping[str, Any]) -> set[Connection]:
    """Connections that the rules of their targets let in."""
    return set(_connections(document, "ingress"))


def reachable(document: Mapping[str, Any]) -> list[Connection]:
    """Connections that both sides let through; the internet and address ranges outside have no rules of their own."""
    out, into = opened(document), admitted(document)
    groups = {
        _name(f"${{aws_security_group.{name}.id}}") for name in document["resource"].get("aws_security_group", {})
    }
    both = out & into
    return sorted(both | {c for c in out if c.target not in groups} | {c for c in into if c.source not in groups})


def one_sided(document: Mapping[str, Any]) -> set[Connection]:
    """Connections between two of the stack's parts that one side lets through and the other does not."""
    return (opened(document) ^ admitted(document)) - set(reachable(document))


def _connections(document: Mapping[str, Any], direction: str) -> Iterator[Connection]:
    for rule in document["resource"].get(_RULE.format(direction), {}).values():
        own, peer = _name(rule["security_group_id"]), _peer(rule)
        source, target = (own, peer) if direction == "egress" else (peer, own)
        yield Connection(source, target, _ports(rule))


def _peer(rule: Mapping[str, Any]) -> str:
    group = rule.get("referenced_security_group_id")
    if group:
        return _name(group)
    block = str(rule.get("cidr_ipv4") or rule.get("cidr_ipv6") or rule.get("prefix_list_id"))
    return INTERNET if block == _ANYWHERE else block


def _name(reference: str) -> str:
    found = _GROUP.fullmatch(reference)
    return found[1] if found else reference


def _ports(rule: Mapping[str, Any]) -> str:
    low, high = rule.get("from_port"), rule.get("to_port")
    if str(rule["ip_protocol"]) == "-1" or low is None:
        return "every port"
    return f"{rule['ip_protocol'].upper()} {low}" if low == high else f"{rule['ip_protocol'].upper()} {low}–{high}"
