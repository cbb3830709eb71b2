"""`quintet drift`: what has changed in AWS without Terraform."""

from __future__ import annotations

import typer

from operations.commands.plan import Environment, FailOn, ReportTo, Stacks, plan_and_report

app = typer.Typer(help="What has changed in AWS without Terraform.")


@app.command()
def drift(
    stacks: Stacks = None, environment: Environment = None, fail_on: FailOn = None, report_to: ReportTo = None
) -> None:
    """Compares stacks with AWS, the worst first. Exit code 0: nothing drifted, 2: something did, 1: failed."""
    plan_and_report(stacks, environment, fail_on, report_to, drift=True)
