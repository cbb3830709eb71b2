"""`quintet diff`: differences between two environments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from operations.commands.factory import new_app
from operations.commands.options import EnvironmentArgument, JsonOption

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from operations.environments.difference import Difference
    from operations.listing import Listing

_KEYS: Mapping[str, str] = {"first": "first", "second": "second"}

app = new_app("Differences between two environments, in settings and in Terraform JSON.")


@app.command()
def diff(
    first: EnvironmentArgument,
    second: EnvironmentArgument,
    deployment: Annotated[
        str | None, typer.Argument(help="Only this deployment, or its alias.", show_default=False)
    ] = None,
    names: Annotated[
        bool, typer.Option("--names", help="Also values that differ by the environments' names and accounts alone.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Shows how two environments differ, in settings, defaults included, and in the committed Terraform JSON."""
    from config.settings import ROOT
    from operations.console import new_console
    from operations.environments.difference import compare
    from operations.listing import show

    found = compare(ROOT, first, second, deployment, names=names)
    console = new_console(stderr=as_json)
    if as_json:
        show(_settings(found.settings), _terraform(found.documents), console=console, as_json=True)
    for name in () if as_json else dict.fromkeys(line.deployment for line in [*found.settings, *found.documents]):
        title = name or "all deployments"
        settings = [line for line in found.settings if line.deployment == name]
        documents = [line for line in found.documents if line.deployment == name]
        headings = {"first": first, "second": second}
        tables = (
            _settings(settings, f"Settings of {title}", headings),
            _terraform(documents, f"Terraform JSON of {title}", headings),
        )
        show(*(table for table in tables if table.rows), console=console, as_json=False)
    if not found.settings and not found.documents:
        console.print(f"{first} and {second} do not differ but by name and account.")
    if found.names and not names:
        console.print(f"{found.names} values differ by the environments' names and accounts alone: --names")


def _settings(lines: Sequence[Difference], title: str = "", headings: Mapping[str, str] = _KEYS) -> Listing:
    from operations.listing import Column, Listing

    values = (Column(key, heading=heading) for key, heading in headings.items())
    listing = Listing("settings", (Column("deployment", "json"), Column("key", "whole"), *values), title=title)
    for line in lines:
        listing.add(line.deployment or None, line.key or None, line.first, line.second)
    return listing


def _terraform(lines: Sequence[Difference], title: str = "", headings: Mapping[str, str] = _KEYS) -> Listing:
    from operations.listing import Cell, Column, Listing

    values = (Column(key, "shorten", heading) for key, heading in headings.items())
    columns: tuple[Column | str, ...] = (Column("deployment", "json"), "address", Column("key", "json"), *values)
    listing = Listing("terraform", columns, title=title)
    for line in lines:
        address = Cell(line.address, f"{line.address}\n  {line.key}".rstrip())
        listing.add(line.deployment, address, line.key or None, line.first, line.second)
    return listing
