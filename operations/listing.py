"""Listings: the one way in which commands print rows, as a table or, with `--json`, as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import typer

from operations.console import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

Value = str | int | float | bool | datetime | Sequence[str] | None
"""A cell's value as JSON has it; times become text in ISO 8601, in UTC."""

Fit = Literal["whole", "wrap", "shorten", "json"]
"""Behaviour of a column that lacks room: it stays whole, its text wraps, or it is cut with an ellipsis.

`json` stands in JSON only.
"""


@dataclass(frozen=True)
class Column:
    """A column: its key in JSON, also its heading with spaces for underscores, and its behaviour in a narrow window."""

    key: str
    fit: Fit = "wrap"
    heading: str = ""
    """In place of the key."""


@dataclass(frozen=True)
class Cell:
    """A value that a table shows in other words than JSON, or in a style of its own."""

    value: Value
    shown: str | None = None
    style: str = ""


@dataclass
class Listing:
    """Rows under named columns. The first column stays whole unless it says otherwise."""

    name: str
    """The list's key in JSON."""
    columns: Sequence[Column | str]
    title: str = ""
    rows: list[tuple[Cell, ...]] = field(default_factory=list)

    def add(self, *cells: Cell | Value) -> None:
        """Append a row: one cell for each column. Raises ValueError for more or fewer."""
        if len(cells) != len(self.columns):
            raise ValueError(f"{self.name} has {len(self.columns)} columns, not {len(cells)}")
        self.rows.append(tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in cells))

    def objects(self) -> list[dict[str, Value]]:
        """The rows as JSON has them: one object each, its keys those of the columns."""
        keys = [column.key for column in self._columns()]
        return [dict(zip(keys, (_plain(cell.value) for cell in row), strict=True)) for row in self.rows]

    def _columns(self) -> list[Column]:
        return [
            column if isinstance(column, Column) else Column(column, fit="wrap" if index else "whole")
            for index, column in enumerate(self.columns)
        ]

    def __rich__(self) -> Table:
        from rich import box
        from rich.table import Table

        table = Table(
            title=printable(self.title) or None,
            title_justify="left",
            title_style="bold",
            box=box.SIMPLE_HEAD,
            show_edge=False,
            pad_edge=False,
            padding=(0, 1, 0, 0),
        )
        shown = [index for index, column in enumerate(self._columns()) if column.fit != "json"]
        for index in shown:
            column = self._columns()[index]
            numbers = all(_is_number(row[index].value) for row in self.rows)
            table.add_column(
                column.heading or column.key.replace("_", " "),
                no_wrap=column.fit == "whole",
                overflow="ellipsis" if column.fit == "shorten" else "fold",
                justify="right" if numbers and self.rows else "left",
            )
        for row in self.rows:
            table.add_row(*(_text(row[index]) for index in shown))
        return table


def show(*listings: Listing, console: Console, as_json: bool) -> None:
    """Print the listings, one table after the other, or one JSON object that holds each under its name."""
    if as_json:
        typer.echo(json.dumps({each.name: each.objects() for each in listings}, indent=2, ensure_ascii=False))
        return
    for each in listings:
        console.print(each)


def _plain(value: Value) -> Value:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return value if isinstance(value, str | int | float | None) else list(value)


def _is_number(value: Value) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _text(cell: Cell) -> Text:
    from rich.text import Text

    return Text("\n".join(map(printable, _lines(cell))), style=cell.style)


def _lines(cell: Cell) -> Sequence[str]:
    if cell.shown is not None:
        return cell.shown.splitlines()
    match cell.value:
        case None:
            return ["–"]
        case bool():
            return ["yes" if cell.value else "no"]
        case datetime():
            return [f"{cell.value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"]
        case float():
            return [f"{cell.value:.1f}"]
        case str() | int():
            return str(cell.value).splitlines()
        case _:
            return cell.value or ["–"]
