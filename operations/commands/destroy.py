"""`quintet destroy`: plan the destruction of a stack, to be reviewed and applied like any other plan."""

from __future__ import annotations

from operations.commands.factory import new_app
from operations.commands.options import EnvironmentFilter, StackArgument
from operations.commands.plan import ReportTo, plan_and_report

app = new_app("Plan the destruction of a stack.")


@app.command()
def destroy(
    stack: StackArgument,
    environment: EnvironmentFilter = None,
    report_to: ReportTo = None,
) -> None:
    """Plans the destruction of everything a stack has; `quintet apply` of that run destroys it, with its guards.

    What protects data must be taken off by the settings first: docs/retire-a-stack.md.
    """
    from config.settings import ROOT
    from operations.stacks import find_stacks, only

    plan_and_report(
        [only(find_stacks(ROOT, environment), stack).name], None, None, report_to, drift=False, destroy=True
    )
