"""Each statement of the document is answered in the README's table, with a test that exists."""

from __future__ import annotations

import re

from config.settings import ROOT

_README = (ROOT / "deployments" / "aquamark" / "README.md").read_text(encoding="utf-8")
_TABLE = _README.partition("| the document says |")[2].partition("\n\n")[0]
_ROWS = [
    row.strip("| ").split(" | ") for row in _TABLE.splitlines()[2:] if not row.startswith("| **") or "|  |" not in row
]


def test_every_statement_names_its_tests() -> None:
    assert len(_ROWS) > 60
    assert [row[0] for row in _ROWS if len(row) != 3 or "::test_" not in row[2]] == []


def test_every_test_that_is_named_exists() -> None:
    named = set(re.findall(r"`(tests/[\w/]+\.py)::(test_\w+)`", _TABLE))
    assert len(named) > 30
    missing = [f"{file}::{name}" for file, name in named if f"def {name}(" not in (ROOT / file).read_text()]
    assert missing == []


def test_every_command_is_told_of() -> None:
    from deployments.aquamark.day2.commands import app

    names = {
        command.name or command.callback.__name__.replace("_", "-")
        for command in app.registered_commands
        if command.callback
    }
    assert {name for name in names if f"quintet aquamark {name}" not in _README} == set()
