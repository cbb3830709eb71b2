"""`quintet shell`: a shell in an instance or task of an applied stack."""

from __future__ import annotations

from typing import Annotated

import typer

from operations.commands.factory import new_app
from operations.commands.options import EnvironmentFilter, JsonOption, StackArgument
from operations.console import new_console

app = new_app("A shell in an instance or task, by way of Session Manager.")


@app.command()
def shell(
    stack: StackArgument,
    target: Annotated[
        str | None,
        typer.Argument(help="An instance or task, or the group whose first one will do.", show_default=False),
    ] = None,
    environment: EnvironmentFilter = None,
    as_json: JsonOption = False,
) -> None:
    """Opens a shell with AWS's command line and its session-manager-plugin; no port is open for it.

    Without TARGET it lists what takes a shell: instances, and tasks that were started with ECS Exec.
    """
    from config.settings import ROOT
    from operations.aws import Aws
    from operations.listing import Column, Listing, show
    from operations.running.applied_stack import AppliedStack
    from operations.running.shells import chosen, command_line, open_shell, shell_targets
    from operations.stacks import find_stacks, only

    applied = AppliedStack.read(only(find_stacks(ROOT, environment), stack), Aws())
    region, targets = applied.stack.region, shell_targets(applied)
    if target is None:
        listing = Listing("targets", (Column("target", "whole"), "part", Column("command", "json")))
        for each in targets:
            listing.add(each.id, each.part, command_line(each, region=region))
        show(listing, console=new_console(), as_json=as_json)
        return
    if as_json:
        raise typer.BadParameter("lists the targets; a shell prints what it likes.", param_hint="--json")
    raise typer.Exit(open_shell(chosen(targets, target), region=region))
