"""Ports that are newly open to the whole internet, the rules of a security group taken together."""

from __future__ import annotations

import ipaddress
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from operations.plans.plan_document import Action, Change
from operations.plans.policies.policy import UNKNOWN, Undecided, before_and_after, name_of

_GROUPS = ("aws_security_group", "aws_default_security_group")
_RULES = ("aws_vpc_security_group_ingress_rule", "aws_security_group_rule")
_PREFIX_LISTS = ("aws_ec2_managed_prefix_list", "aws_ec2_managed_prefix_list_entry")
_SOURCES = ("ingress", "cidr_ipv4", "cidr_ipv6", "cidr_blocks", "ipv6_cidr_blocks", "prefix_list_id", "prefix_list_ids")
_EVERY, _ANY_OTHER = "-1", "other"
_PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp", "58": "icmpv6", "all": _EVERY, "-1": _EVERY}
_LAST_PORT = 65_535
_WHOLE = {4: ipaddress.ip_network("0.0.0.0/0"), 6: ipaddress.ip_network("2000::/3")}
"""The addresses of the internet; those of version 6 that are given out. Source: IANA, read 2026-11-28."""

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Interval = tuple[int, str, int, int]
"""Version of the internet protocol, protocol, first and last port."""


@dataclass(frozen=True)
class _Rule:
    protocol: str
    low: int
    high: int
    network: _Network


def world_open_ingress(
    changes: Sequence[Change], configured: Mapping[str, Mapping[str, object]]
) -> Iterator[tuple[Change, str]]:
    """Changes that open ports to more than half of all addresses, and sentences about it.

    Rules of one group count together, wherever they are declared: two halves are the whole.
    """
    then: dict[str, list[Change]] = defaultdict(list)
    now: dict[str, list[Change]] = defaultdict(list)
    lists: dict[str, list[Change]] = defaultdict(list)
    for change in changes:
        if change.type in (*_GROUPS, *_RULES) and not change.deposed:
            group = _group(change, configured)
            then[str(change.was("security_group_id") or group)].append(change)
            now[group].append(change)
        elif change.type in _PREFIX_LISTS:
            known = (change.becomes("prefix_list_id"), change.was("prefix_list_id"), change.was("id"), change.address)
            lists[str(next(filter(None, known)))].append(change)
        shown = change.was("publicly_accessible") is not True and change.becomes("publicly_accessible") is True
        if shown and change.action not in (Action.NO_OP, Action.READ):
            yield change, "gets an address on the internet"
    for group, members in now.items():
        yield from _judged(then[group], members)
    for members in lists.values():
        yield from _prefix_list(members)


def _judged(then: Sequence[Change], now: Sequence[Change]) -> Iterator[tuple[Change, str]]:
    before = [rule for change in then for rule in _rules(change.type, change.before)]
    after = [rule for change in now for rule in _rules(change.type, change.after)]
    if after:
        was_open = set(_open(before, around=after))
        new = [interval for interval in _open(after, around=before) if interval not in was_open]
        for change in now:
            if new and change.action not in (Action.NO_OP, Action.READ):
                own = _rules(change.type, change.after)
                if said := _said([interval for interval in new if any(_covers(rule, interval) for rule in own)]):
                    yield change, f"opens {said} to the whole internet"
    for change in now:
        if change.action not in (Action.NO_OP, Action.DELETE):
            yield from ((change, Undecided(text)) for text in dict.fromkeys(_unknown(change)))


def _group(change: Change, configured: Mapping[str, Mapping[str, object]]) -> str:
    if change.type in _GROUPS:
        return str(change.was("id") or f"${{{change.address}.id}}")
    written = configured.get(change.address, {}).get("security_group_id")
    return str(change.becomes("security_group_id") or change.was("security_group_id") or written or change.address)


def _rules(kind: str, attributes: object) -> list[_Rule]:
    return [rule for found in _ingress(kind, attributes) for text in _ranges(found) for rule in _rule(found, text)]


def _ingress(kind: str, attributes: object) -> list[Mapping[str, object]]:
    if not isinstance(attributes, dict):
        return []
    if kind in _GROUPS:
        blocks = attributes.get("ingress")
        return [block for block in blocks if isinstance(block, dict)] if isinstance(blocks, list) else []
    return [attributes] if kind != "aws_security_group_rule" or attributes.get("type") == "ingress" else []


def _ranges(rule: Mapping[str, object]) -> Iterable[str]:
    several = [value for name in ("cidr_blocks", "ipv6_cidr_blocks") for value in _items(rule.get(name))]
    return [str(value) for value in (*several, rule.get("cidr_ipv4"), rule.get("cidr_ipv6")) if value]


def _items(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _rule(rule: Mapping[str, object], text: object) -> Iterator[_Rule]:
    try:
        network = ipaddress.ip_network(str(text).strip(), strict=False)
    except ValueError:  # a reference
        return
    if network.version == 6 and network.supernet_of(_WHOLE[6]):  # type: ignore[arg-type]  # same version
        network = _WHOLE[6]
    protocol = str(rule.get("protocol") or rule.get("ip_protocol") or _EVERY).lower()
    protocol = _PROTOCOLS.get(protocol, protocol)
    low, high = (_port(rule.get(name)) for name in ("from_port", "to_port"))
    everything = low is None or low < 0 or protocol.startswith("icmp") or (protocol == _EVERY and low == high == 0)
    yield (
        _Rule(protocol, 0, _LAST_PORT, network)
        if everything or low is None
        else _Rule(protocol, low, high if high is not None else low, network)
    )


def _port(value: object) -> int | None:
    try:
        return int(value) if isinstance(value, int | float | str) else None
    except (OverflowError, ValueError):
        return None


def _open(rules: Sequence[_Rule], *, around: Sequence[_Rule]) -> Iterator[_Interval]:
    """Protocols and ports that the rules open to the internet, cut where any rule begins or ends."""
    both = (*rules, *around)
    protocols = sorted({rule.protocol for rule in both if rule.protocol != _EVERY} | {_ANY_OTHER})
    edges = sorted({edge for rule in both for edge in (rule.low, rule.high + 1)} | {0, _LAST_PORT + 1})
    for protocol in protocols:
        mine = [rule for rule in rules if rule.protocol in (protocol, _EVERY)]
        for low, after in pairwise(edges):
            ranges = [rule.network for rule in mine if rule.low <= low and rule.high >= after - 1]
            for version in _WHOLE if ranges else ():
                if _is_internet(ranges, version):
                    yield version, protocol, low, after - 1


def _is_internet(ranges: Iterable[_Network], version: int) -> bool:
    """True when ranges cover more than half of the internet's addresses."""
    whole = _WHOLE[version]
    inside = [each for each in ranges if each.version == version and each.subnet_of(whole)]  # type: ignore[arg-type]  # of one version
    together = ipaddress.collapse_addresses(inside)  # type: ignore[type-var]  # of one version
    return 2 * sum(each.num_addresses for each in together) > whole.num_addresses


def _covers(rule: _Rule, interval: _Interval) -> bool:
    version, protocol, low, high = interval
    return (
        rule.network.version == version
        and rule.protocol in (protocol, _EVERY)
        and rule.low <= low
        and rule.high >= high
    )


def _said(intervals: Sequence[_Interval]) -> str:
    """`port 22, udp ports 8000–8010`; adjoining intervals are one."""
    found: list[_Interval] = []
    for version, protocol, low, high in sorted(intervals):
        if found and found[-1][:2] == (version, protocol) and found[-1][3] + 1 == low:
            found[-1] = (version, protocol, found[-1][2], high)
        else:
            found.append((version, protocol, low, high))
    if any(interval[1] == _ANY_OTHER for interval in found):
        found = [interval for interval in found if interval[1] == _ANY_OTHER]
    return ", ".join(dict.fromkeys(map(_words, found)))


def _words(interval: _Interval) -> str:
    _, protocol, low, high = interval
    named = "" if protocol in ("tcp", _ANY_OTHER) else f"{protocol} "
    if protocol.startswith("icmp"):
        return protocol
    if (low, high) == (0, _LAST_PORT):
        return f"every {named}port"
    return f"{named}port {low}" if low == high else f"{named}ports {low}–{high}"


def _unknown(change: Change) -> Iterator[str]:
    if not _ingress(change.type, change.after) and change.type == "aws_security_group_rule":
        return
    for path, value in before_and_after(change)[1].items():
        name = name_of(path)
        computed = path[:1] == ("egress",) or (name == "ingress" and change.action is Action.CREATE)
        if value is UNKNOWN and name in _SOURCES and not computed:
            yield f"{name} is known after the apply"
    for rule in _ingress(change.type, change.after):
        lists = [rule.get("prefix_list_id"), *_items(rule.get("prefix_list_ids"))]
        if change.was("prefix_list_id") != rule.get("prefix_list_id") or change.type in _GROUPS:
            yield from (f"the ranges of {each} are not in the plan" for each in lists if each)


def _prefix_list(members: Sequence[Change]) -> Iterator[tuple[Change, str]]:
    """Changes that make a prefix list hold the internet, its entries taken together."""
    if _is_wide(change.after for change in members) and not _is_wide(change.before for change in members):
        for change in members:
            if change.after and change.action not in (Action.NO_OP, Action.READ):
                yield change, "is a prefix list that holds the whole internet"


def _is_wide(several: Iterable[object]) -> bool:
    entries = [
        entry
        for attributes in several
        if isinstance(attributes, dict)
        for entry in (_items(attributes.get("entry")) or [attributes])
    ]
    ranges = [rule.network for each in entries if isinstance(each, dict) for rule in _rule({}, each.get("cidr"))]
    return any(_is_internet(ranges, version) for version in _WHOLE)
