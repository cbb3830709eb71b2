"""`quintet policy`: what the stacks may not contain, and the exemptions from it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from operations.commands.factory import new_app
from operations.commands.options import StacksArgument

app = new_app("Judge the committed Terraform JSON with checkov.")


@app.callback()
def _policy() -> None:
    """Judge the committed Terraform JSON with checkov."""


@app.command()
def check(
    stacks: StacksArgument = None,
    checkov: Annotated[Path, typer.Option(help="The program to ask.")] = Path(".venv-checkov/bin/checkov"),
    exemptions: Annotated[bool, typer.Option("--exemptions", help="List every exemption with its reason.")] = False,
) -> None:
    """Asks checkov about the committed Terraform JSON and compares what it finds with the exemptions."""
    from config.settings import ROOT
    from operations.review.checkov import judge
    from operations.stacks import find_stacks, select

    verdict = judge(select(find_stacks(ROOT), stacks or []), executable=ROOT / checkov)
    if exemptions:
        for place, reason in verdict.exempted.items():
            typer.echo(f"{place.stack}: {place.address}: {place.rule}: {reason}")
    for place, finding in verdict.failed.items():
        typer.echo(f"{place.stack}: {place.address}: {finding} [{place.rule}]", err=True)
    for place, reason in verdict.needless.items():
        typer.echo(f"{place.stack}: {place.address}: needs no exemption from {place.rule} ({reason})", err=True)
    typer.echo(f"{verdict.passed} passed, {len(verdict.failed)} failed, {len(verdict.exempted)} exempted with a reason")
    if not verdict.fine:
        raise typer.Exit(1)
