"""`quintet logs`: log groups of an applied stack."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from operations.commands.factory import new_app
from operations.commands.options import EnvironmentFilter, JsonOption, StackArgument
from operations.instances.log_output import Follow, Since, print_log

if TYPE_CHECKING:
    from operations.aws import Aws

app = new_app("Print what instances, functions, tasks and databases have logged.")


@app.command()
def logs(
    stack: StackArgument,
    log: Annotated[
        str | None, typer.Argument(help="A log group, or the end of its name: boot, application.", show_default=False)
    ] = None,
    environment: EnvironmentFilter = None,
    since: Since = "15m",
    follow: Follow = False,
    as_json: JsonOption = False,
) -> None:
    """Prints the events of a log group by time, with their streams; without LOG, lists the groups of the stack."""
    from config.settings import ROOT
    from operations.aws import Aws
    from operations.console import new_console
    from operations.listing import Column, Listing, show
    from operations.running.applied_stack import AppliedStack
    from operations.running.log_groups import log_groups, named_group
    from operations.stacks import find_stacks, only

    def applied() -> AppliedStack:
        return AppliedStack.read(only(find_stacks(ROOT, environment), stack), Aws())

    if log is None:
        listing = Listing("log_groups", (Column("log_group", "whole"),))
        for group in log_groups(applied()):
            listing.add(group)
        show(listing, console=new_console(), as_json=as_json)
        return
    if as_json:
        raise typer.BadParameter("lists the log groups; events are text already.", param_hint="--json")

    def find() -> tuple[Aws, str, str]:
        found = applied()
        return found.aws, named_group(log_groups(found), log), found.stack.region

    print_log(find, since=since, follow=follow)
