"""`quintet apply`: apply exactly what was reviewed."""

from __future__ import annotations

from typing import Annotated

import typer

from operations.commands.factory import new_app
from operations.console import new_console

app = new_app("Apply exactly what was reviewed.")


@app.command()
def apply(
    run: Annotated[str, typer.Argument(help="The run of quintet plan, as it was printed.", show_default=False)],
    destroy: Annotated[
        list[str] | None,
        typer.Option(help="Data at this address may be destroyed; STACK:ADDRESS where stacks share it. Repeatable."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, change nothing.")] = False,
) -> None:
    """Applies the plans of a run, stack after stack, unless anything they were made from has changed since."""
    from operations.plans.applying import Applying

    if not Applying(run, destroy=destroy or (), dry_run=dry_run).run(new_console(steady=True)):
        raise typer.Exit(1)
