"""The README of the emulator tells of every gap, and of tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

from config.settings import ROOT

EMULATOR = ROOT / "emulator"
README = (EMULATOR / "README.md").read_text()
TESTS = Path(__file__).parent


def test_every_gap_module_is_in_the_table() -> None:
    modules = {path.stem for path in (EMULATOR / "gaps").glob("*.py")} - {"__init__", "registry"}
    listed = set(re.findall(r"^\| `(\w+)` \|", README, flags=re.MULTILINE))
    assert listed == modules


def test_every_test_it_names_exists() -> None:
    written = "\n".join(path.read_text() for path in TESTS.rglob("test_*.py"))
    missing = [name for name in re.findall(r"`(test_\w+)`", README) if f"def {name}(" not in written]
    assert missing == []


def test_every_gap_is_registered() -> None:
    registry = (EMULATOR / "gaps" / "registry.py").read_text()
    with_a_gap = {path.stem for path in (EMULATOR / "gaps").glob("*.py") if "GAP = Gap(" in path.read_text()}
    assert set(re.findall(r"(\w+)\.GAP,", registry)) == with_a_gap
