"""Each fault that AWS refuses is refused here: tables in docs/before-an-apply.md and permissions.md name real tests."""

from __future__ import annotations

import re

from config.settings import ROOT

TABLE = (ROOT / "docs" / "before-an-apply.md").read_text(encoding="utf-8").partition("| fault | refused by |")[2]
ROWS = re.findall(r"^\| (\d+)\. (.+?) \| (.+?) \| (.+?) \|$", TABLE, flags=re.MULTILINE)


def test_every_fault_names_what_refuses_it() -> None:
    assert [int(number) for number, *_ in ROWS] == [*range(1, 12), 13]


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", TABLE)
    assert len(named) >= len(ROWS)
    assert [f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / file).read_text()] == []


def test_every_fault_in_rights_names_a_test_that_exists() -> None:
    text = (ROOT / "docs" / "permissions.md").read_text(encoding="utf-8").partition("| fault | test |\n|---|---|\n")[2]
    rows = text.partition("\n\n")[0].splitlines()
    named = [re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)` \|$", row) for row in rows]
    assert len(rows) > 10
    assert [row for row, tests in zip(rows, named, strict=True) if len(tests) != 1] == []
    found = [(file, name) for tests in named for file, name in tests]
    assert [f"{file}::{name}" for file, name in found if f"def {name}(" not in (ROOT / file).read_text()] == []
