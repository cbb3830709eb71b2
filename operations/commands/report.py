"""`quintet report`: the report on plans that others made."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from operations.commands.factory import new_app
from operations.commands.plan import FailOn, end
from operations.console import new_console

app = new_app("Report on the JSON of plans, whoever made them.")


class Format(StrEnum):
    """Forms of a report."""

    TERMINAL = "terminal"
    MARKDOWN = "markdown"
    HTML = "html"


@app.command()
def report(
    plans: Annotated[
        list[Path],
        typer.Argument(metavar="PLAN.json…", help="Output of `terraform show -json plan`.", show_default=False),
    ],
    form: Annotated[Format, typer.Option("--format", help="Form of the report on standard output.")] = Format.TERMINAL,
    fail_on: FailOn = None,
    stack: Annotated[
        str | None,
        typer.Option(help="Stack of this repository that the one plan is for: its exemptions and silences count."),
    ] = None,
) -> None:
    """Reports on plans of HCP Terraform, of Terraform by hand, of colleagues. Exit codes are those of quintet plan."""
    from operations.plans.plan_files import report_on_files
    from operations.plans.policies.judging import check_policies
    from operations.plans.report.html import html
    from operations.plans.report.markdown import markdown
    from operations.plans.report.safe_text import visible
    from operations.plans.report.terminal import print_report

    check_policies(fail_on or [])
    found = report_on_files(plans, stack=stack)
    if form is Format.TERMINAL:
        print_report(found, new_console())
    else:
        typer.echo(markdown(found) if form is Format.MARKDOWN else html(found))
    for failed in found.stacks:
        if failed.failure:
            typer.echo(visible(f"{failed.name}: {failed.failure}", lines=True), err=True)
    end(found, fail_on)
