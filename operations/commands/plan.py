"""`quintet plan`: plan every stack at once and report on one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from operations.commands.factory import new_app
from operations.commands.options import EnvironmentFilter, StacksArgument
from operations.console import new_console

if TYPE_CHECKING:
    from operations.plans.report.model import Report

app = new_app("Plan every stack at once and report on one page.")

FailOn = Annotated[
    list[str] | None,
    typer.Option(help="Exit 1 when this policy finds something; `all` for each. May be given several times."),
]
ReportTo = Annotated[
    Path | None,
    typer.Option(
        help="Also write report.md, report.html and run.txt (the run's name) into this folder.", file_okay=False
    ),
]


@app.command()
def plan(
    stacks: StacksArgument = None,
    environment: EnvironmentFilter = None,
    fail_on: FailOn = None,
    report_to: ReportTo = None,
) -> None:
    """Plans stacks from the committed JSON. Exit code 0: nothing would change, 2: something would, 1: failed."""
    plan_and_report(stacks, environment, fail_on, report_to, drift=False)


def plan_and_report(
    stacks: list[str] | None,
    environment: str | None,
    fail_on: list[str] | None,
    report_to: Path | None,
    *,
    drift: bool,
    destroy: bool = False,
) -> None:
    """Plans, shows the report, says where it is kept, and ends with its exit code."""
    from operations.errors import OperatorError
    from operations.plans.fresh_synth import stale_message
    from operations.plans.planning import Planning
    from operations.plans.policies.judging import check_policies
    from operations.plans.report.terminal import print_report

    check_policies(fail_on or [])
    for place in (report_to, *report_to.parents) if report_to is not None else ():
        if place.exists() and not place.is_dir():
            raise OperatorError(f"{report_to} cannot hold the report: {place} is no folder.")
    console = new_console()
    planned = Planning(patterns=stacks or (), environment=environment, drift=drift, destroy=destroy).run(console)
    print_report(planned.report, console)
    if report_to is not None:
        planned.copy_report(report_to)
    typer.echo(f"\nReport: {planned.folder / 'report.html'}")
    if not drift and planned.exit_code == 2:
        typer.echo(f"Apply what was reviewed: quintet apply {planned.folder.name}")
    for name in planned.stale:
        typer.echo(stale_message(name), err=True)
    end(planned.report, fail_on, drift=drift)


def end(report: Report, fail_on: list[str] | None, *, drift: bool = False) -> NoReturn:
    """Name the findings that `--fail-on` minds, and end with the report's exit code."""
    broken = report.against(fail_on or [])
    for stack, finding in broken:
        typer.echo(f"{stack}: {finding.address} {finding.message} [{finding.policy}]", err=True)
    raise typer.Exit(1 if broken else report.exit_code(drift=drift))
