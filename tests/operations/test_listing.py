"""Listings fit a terminal of 80 columns, and say everything in JSON."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta, timezone

import pytest

from operations.console import new_console
from operations.listing import Cell, Column, Listing, show

IDENTIFIER = "3/L4kqtJlcpXroDTDmJ+rmSpXd3dIbrHY"
SENTENCE = "the load balancer answers 503 because none of its targets is healthy: " * 3


def printed(listing: Listing, width: int = 80) -> list[str]:
    output = io.StringIO()
    show(listing, console=new_console(file=output, width=width), as_json=False)
    return [line.rstrip() for line in output.getvalue().splitlines()]


def test_long_text_wraps_within_80_columns_and_names_stay_whole() -> None:
    listing = Listing("checks", ("stack", "found"))
    listing.add("beaver-contest-prod", SENTENCE)
    lines = printed(listing)
    assert max(map(len, lines)) <= 80
    assert lines[2].startswith("beaver-contest-prod  the load balancer")
    assert " ".join(" ".join(lines[2:]).removeprefix("beaver-contest-prod").split()) == SENTENCE.strip()


def test_an_identifier_that_is_shortened_leaves_the_other_cells_on_its_line() -> None:
    listing = Listing("versions", (Column("version", fit="shorten"), Column("written", fit="whole"), "serial"))
    listing.add(IDENTIFIER, "2026-11-28 10:00:00 UTC, 3 min ago, before lunch", 41)
    (line,) = printed(listing, width=80)[2:]
    assert line.startswith(IDENTIFIER[:4])
    assert "…" in line
    assert line.endswith("before lunch      41")


def test_numbers_stand_right_and_what_there_is_not_is_a_dash() -> None:
    listing = Listing("stacks", ("stack", "serial", "last_change"))
    listing.add("a", 7, None)
    listing.add("b", 1234, datetime(2026, 11, 28, 12, tzinfo=timezone(timedelta(hours=2))))
    assert printed(listing)[0].split("  ") == ["stack", "serial", "last change"]
    assert printed(listing)[2:] == ["a           7  –", "b        1234  2026-11-28 10:00 UTC"]


@pytest.mark.parametrize("text", ["[adopt] [red]x[/red]", "arn:aws:key:smile: :thumbs_up:", "[/]"])
def test_text_is_printed_as_it_is(text: str) -> None:
    listing = Listing("texts", ("text",), title=text)
    listing.add(text)
    assert printed(listing)[0] == text
    assert printed(listing)[-1] == text
    output = io.StringIO()
    new_console(file=output).print(text)
    assert output.getvalue() == f"{text}\n"


def test_control_characters_of_others_do_not_reach_the_terminal() -> None:
    listing = Listing("texts", ("text",))
    listing.add("a\x1b[2Jb")
    listing.add(Cell(1, "c\x1b]0;title\x07"))
    assert not any("\x1b" in line or "\x07" in line for line in printed(listing))


def test_json_holds_typed_and_whole_values_under_the_columns_names(capsys: pytest.CaptureFixture[str]) -> None:
    listing = Listing(
        "versions", (Column("version", fit="shorten"), "written", "serial", Column("fine", fit="json"), "at")
    )
    listing.add(IDENTIFIER, Cell(datetime(2026, 11, 28, 10, tzinfo=UTC), "just now"), None, True, ("x", "y"))
    show(listing, Listing("strays", ("key",)), console=new_console(), as_json=True)
    assert json.loads(capsys.readouterr().out) == {
        "versions": [
            {"version": IDENTIFIER, "written": "2026-11-28T10:00:00Z", "serial": None, "fine": True, "at": ["x", "y"]}
        ],
        "strays": [],
    }
    assert "fine" not in printed(listing)[0]


def test_a_row_has_a_cell_for_each_column() -> None:
    with pytest.raises(ValueError, match="versions has 2 columns, not 1"):
        Listing("versions", ("a", "b")).add("one")
