"""`quintet drift`: what has changed in AWS without Terraform."""

from __future__ import annotations

from operations.commands.factory import new_app
from operations.commands.options import EnvironmentFilter, StacksArgument
from operations.commands.plan import FailOn, ReportTo, plan_and_report

app = new_app("Report what has changed in AWS without Terraform.")


@app.command()
def drift(
    stacks: StacksArgument = None,
    environment: EnvironmentFilter = None,
    fail_on: FailOn = None,
    report_to: ReportTo = None,
) -> None:
    """Compares stacks with AWS, the worst first. Exit code 0: nothing drifted, 2: something did, 1: failed."""
    plan_and_report(stacks, environment, fail_on, report_to, drift=True)
