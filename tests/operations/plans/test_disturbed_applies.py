"""Applies that are disturbed while they create lose nothing: one round each of some of `python -m bench.applies`."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from bench.applies import Battery, run_disturbance
from bench.faults import faulty_proxy

if TYPE_CHECKING:
    from pathlib import Path

    from emulator.server import Emulator

pytestmark = pytest.mark.terraform


@pytest.mark.parametrize("name", ["output closed", "terminal gone", "Quintet killed"])
def test_terraform_goes_on_to_its_end_whatever_becomes_of_quintet(
    tmp_path: Path, emulator: Emulator, name: str
) -> None:
    counts = run_disturbance(Battery(tmp_path, emulator), name, rounds=1)
    assert counts.created >= 3
    assert (counts.orphans, counts.locks, counts.tracebacks) == (0, 0, 0)


@pytest.mark.parametrize("name", ["Terraform killed", "provider killed"])
def test_what_a_killed_terraform_or_provider_leaves_is_named(tmp_path: Path, emulator: Emulator, name: str) -> None:
    counts = run_disturbance(Battery(tmp_path, emulator), name, rounds=1)
    assert counts.created >= 3
    assert (counts.unnamed, counts.unbreakable, counts.tracebacks) == (0, 0, 0)


def test_what_an_endpoint_that_is_gone_leaves_is_named(tmp_path: Path, emulator: Emulator) -> None:
    with faulty_proxy(emulator.endpoint, random.Random(1)) as proxy:
        counts = run_disturbance(Battery(tmp_path, emulator, faults=proxy), "AWS gone", rounds=1)
    assert counts.created >= 3
    assert (counts.unnamed, counts.unbreakable, counts.tracebacks) == (0, 0, 0)


def test_throttled_requests_lose_nothing(tmp_path: Path, emulator: Emulator) -> None:
    with faulty_proxy(emulator.endpoint, random.Random(1)) as proxy:
        counts = run_disturbance(Battery(tmp_path, emulator, faults=proxy), "throttling answers", rounds=1)
    assert proxy.spoiled
    assert (counts.orphans, counts.tracebacks) == (0, 0)
