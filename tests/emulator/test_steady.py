"""Objects of moto and of the gaps, read in one thread while another one changes them."""

from __future__ import annotations

import copy
import json
from collections import OrderedDict, defaultdict
from typing import Any

import pytest
from moto.core.base_backend import BaseBackend
from moto.ec2.models import EC2Backend
from moto.iam.models import IAMBackend

from emulator import steady
from emulator.store import Shelf

ACCOUNT = "111122223333"


@pytest.fixture(autouse=True)
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Steady in the tests of this file only."""
    monkeypatch.setattr(BaseBackend, "__setattr__", object.__setattr__)
    steady.install()


def create_role(iam: IAMBackend, name: str) -> None:
    iam.create_role(name, "{}", "/", None, "", [], "3600")


def test_roles_are_read_while_others_are_created_before_and_after_a_reset() -> None:
    iam = IAMBackend("aws", ACCOUNT)
    for _ in range(2):
        create_role(iam, "first")
        for number, role in enumerate(iam.get_roles()):
            assert role.name == "first"
            create_role(iam, f"later-{number}")
        assert [role.name for role in iam.get_roles()] == ["first", "later-0"]
        iam.reset()


def test_dictionaries_that_a_backend_makes_when_they_are_needed_are_steady_too() -> None:
    ec2 = EC2Backend("eu-central-1", ACCOUNT)
    vpc = ec2.create_vpc("10.0.0.0/16")
    for number in (0, 1):
        ec2.create_subnet(vpc.id, f"10.0.{number}.0/24", availability_zone="eu-central-1a")
    of_zone = ec2.subnets["eu-central-1a"]
    for subnet in [each for each in of_zone if of_zone[each].vpc_id == vpc.id]:
        ec2.delete_subnet(subnet)
    assert type(of_zone) is steady.SteadyDict


def test_what_the_gaps_keep_is_read_while_it_changes() -> None:
    kept: dict[str, int] = Shelf("sample", "thing").of(ACCOUNT, "eu-central-1")
    kept["first"] = 1
    for name, value in kept.items():
        kept[f"{name}-again"] = value
    assert kept == {"first": 1, "first-again": 1}


@pytest.mark.parametrize("usual", [{"b": 1, "a": 2}, OrderedDict(b=1, a=2), defaultdict(list, b=1, a=2)])
def test_a_steady_dictionary_is_used_like_the_usual_one(usual: Any) -> None:
    found = steady.steady(usual)
    assert isinstance(found, type(usual))
    assert (list(found), list(found.values()), list(found.items())) == (["b", "a"], [1, 2], [("b", 1), ("a", 2)])
    assert found == copy.deepcopy(found) == copy.copy(found) == usual
    assert json.dumps(found) == json.dumps(usual)
    assert {**found} == dict(found) == usual
    assert found.keys() & {"a", "c"} == {"a"}
    assert ("a", 2) in found.items()
    assert 2 in found.values()
    if isinstance(usual, defaultdict):
        assert found["new"] == []
    if isinstance(usual, OrderedDict):
        found.move_to_end("b")
        assert list(found.items()) == [("a", 2), ("b", 1)]
