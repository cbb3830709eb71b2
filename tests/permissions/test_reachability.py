"""Connections in every stack: let through on both sides, as the deployment's README lists them, and no others."""

from __future__ import annotations

from typing import Any

import pytest

from config.settings import ROOT
from operations.docs.reachability import INTERNET, Connection, one_sided, reachable
from operations.review.addresses import read_document
from operations.stacks import find_stacks

STACKS = {stack.name: read_document(stack.folder) for stack in find_stacks(ROOT)}
every_stack = pytest.mark.parametrize("document", STACKS.values(), ids=list(STACKS))
HOLDING_DATA = {"cache", "database", "nodes", "redis"}
"""Parts that hold data; only programs of their deployment reach them."""
ENTRANCES = ("load_balancer", "_load_balancer")
"""Parts that may be reached from the internet end so."""


def group(name: str, *rules: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {"aws_security_group": {"web_security_group": {}, "database_security_group": {}}}
    for number, (direction, rule) in enumerate(rules):
        kind = f"aws_vpc_security_group_{direction}_rule"
        found.setdefault(kind, {})[f"{name}{number}"] = {
            "ip_protocol": "tcp",
            "from_port": 3306,
            "to_port": 3306,
            **rule,
        }
    return {"resource": found}


WEB, DATABASE = "${aws_security_group.web_security_group.id}", "${aws_security_group.database_security_group.id}"


@every_stack
def test_both_sides_of_a_connection_let_it_through(document: dict[str, Any]) -> None:
    assert one_sided(document) == set()


@every_stack
def test_nothing_from_outside_reaches_what_holds_data(document: dict[str, Any]) -> None:
    groups = {name.removesuffix("_security_group") for name in document["resource"]["aws_security_group"]}
    into_data = [each for each in reachable(document) if each.target in HOLDING_DATA]
    assert into_data, "no stack is without a database or cache"
    assert [each for each in into_data if each.source not in groups or each.ports == "every port"] == []


@every_stack
def test_the_internet_reaches_load_balancers_only(document: dict[str, Any]) -> None:
    entered = {each.target for each in reachable(document) if each.source == INTERNET}
    assert {name for name in entered if not name.endswith(ENTRANCES)} == set()


@every_stack
def test_what_holds_data_opens_no_connection(document: dict[str, Any]) -> None:
    assert [each for each in reachable(document) if each.source in HOLDING_DATA] == []


def test_a_rule_on_one_side_alone_opens_nothing_and_is_named() -> None:
    out = ("egress", {"security_group_id": WEB, "referenced_security_group_id": DATABASE})
    into = ("ingress", {"security_group_id": DATABASE, "referenced_security_group_id": WEB})
    connection = Connection("web", "database", "TCP 3306")
    for rule in (out, into):
        assert reachable(group("rule", rule)) == []
        assert one_sided(group("rule", rule)) == {connection}
    assert reachable(group("rule", out, into)) == [connection]
    other_port = (into[0], {**into[1], "to_port": 3307})
    assert len(one_sided(group("rule", out, other_port))) == 2
