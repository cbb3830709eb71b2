"""`quintet demo`: apply the committed stacks to the emulator, from nothing to checked."""

from __future__ import annotations

from typing import Annotated

import typer

from operations.commands.factory import new_app
from operations.commands.options import DEFAULT_ENVIRONMENT, EnvironmentOption, StacksArgument
from operations.console import new_console

app = new_app("Apply the committed stacks to the emulator, from nothing to checked.")


@app.command()
def demo(
    stacks: StacksArgument = None,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    keep: Annotated[bool, typer.Option("--keep", help="Leave the emulator running.")] = False,
    destroy: Annotated[bool, typer.Option("--destroy", help="Destroy everything in the end.")] = False,
    under_roles: Annotated[
        bool, typer.Option("--under-roles", help="Plan and apply with the keys of the roles of `quintet roles`.")
    ] = False,
) -> None:
    """Applies stacks to an emulator, plans them again (which must find nothing to do) and checks what they do."""
    from operations.commands.day2 import checks_of, rehearsal_of
    from operations.demo.demo import Demo

    asked = Demo(
        patterns=stacks or (),
        environment=environment,
        keep=keep,
        destroy=destroy,
        under_roles=under_roles,
        checks_of=checks_of,
        rehearsal_of=rehearsal_of,
    )
    if not asked.run(new_console(steady=True)):
        raise typer.Exit(1)
