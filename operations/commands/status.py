"""`quintet status`: whether what is applied runs as it should."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from operations.commands.factory import new_app
from operations.commands.options import EnvironmentFilter, JsonOption, StacksArgument

if TYPE_CHECKING:
    from collections.abc import Iterable

    from operations.listing import Cell
    from operations.running.stack_status import RunningStatus

app = new_app("Health, version, alarms, drift and database support of stacks.")


@app.command()
def status(stacks: StacksArgument = None, environment: EnvironmentFilter = None, as_json: JsonOption = False) -> None:
    """Asks AWS, read-only, how applied stacks run; 1 when one is not healthy, has an alarm or cannot be asked about.

    The age of the last drift run is that of this checkout; ends of support are the dated facts in config/aws.
    """
    from config.settings import ROOT
    from operations.aws import Aws
    from operations.commands.day2 import version_of
    from operations.console import new_console
    from operations.listing import Cell, Column, Listing, show
    from operations.review.facts import read_facts
    from operations.running.stack_status import running_status
    from operations.stacks import find_stacks, select

    aws, facts = Aws(), read_facts()
    columns = (Column("stack", "whole"), "version", "health", "alarms", "drift_looked_at", "databases")
    listing = Listing("stacks", (*columns, Column("applied", "json"), Column("problem", "json")))
    found = [
        running_status(stack, aws, root=ROOT, facts=facts, version_of=version_of(stack.deployment))
        for stack in select(find_stacks(ROOT, environment), stacks or [])
    ]
    for row in found:
        listing.add(
            row.stack.name,
            row.version,
            _health(row),
            Cell(row.alarms, _within(row, row.alarms) or "–", style="bold red" if row.alarms else ""),
            _drift(row),
            Cell(databases := [str(each) for each in row.databases], _within(row, databases) or "–"),
            row.applied,
            row.problem or None,
        )
    show(listing, console=new_console(), as_json=as_json)
    if not all(row.fine for row in found):
        raise typer.Exit(1)


def _health(row: RunningStatus) -> Cell:
    from operations.listing import Cell

    if row.problem:
        return Cell(None, row.problem, style="yellow")
    if not row.applied:
        return Cell(None, "never applied")
    shown = _within(row, row.unhealthy) or "healthy"
    return Cell(row.unhealthy, shown, style="bold red" if row.unhealthy else "green")


def _within(row: RunningStatus, texts: Iterable[str]) -> str:
    """Texts without the beginning that names of a stack's resources share: the row names the stack already."""
    return "\n".join(text.removeprefix(f"{row.stack.name}-") for text in texts)


def _drift(row: RunningStatus) -> Cell:
    from operations.listing import Cell
    from operations.state.locks import age_text

    if row.drift_looked_at is None:
        return Cell(None, "never" if row.applied else None)
    return Cell(row.drift_looked_at, f"{age_text(row.drift_looked_at)} ago")
