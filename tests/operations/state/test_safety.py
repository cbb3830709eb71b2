"""Faults of states: all that `python -m bench.state` does, with one seed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bench.state import Place, contend, kill

if TYPE_CHECKING:
    from pathlib import Path

    from emulator.server import Emulator

pytestmark = pytest.mark.terraform


def test_of_eight_writers_exactly_one_proceeds_and_the_others_name_it(tmp_path: Path, emulator: Emulator) -> None:
    contend(Place(tmp_path, emulator), rounds=50)


def test_an_apply_killed_at_any_moment_loses_nothing_and_the_next_one_converges(
    tmp_path: Path, emulator: Emulator
) -> None:
    assert kill(Place(tmp_path, emulator), rounds=20, seed=2).left.total() == 20
