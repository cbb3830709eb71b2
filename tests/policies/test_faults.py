"""Each fault that AWS refuses is refused here as well: the table in docs/before-an-apply.md names tests that exist."""

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
