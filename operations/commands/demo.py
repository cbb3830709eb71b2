"""`quintet demo`: apply the committed stacks to the emulator, from nothing to checked."""

from __future__ import annotations

from typing import Annotated

import typer

app = typer.Typer(help="Apply the committed stacks to the emulator, from nothing to checked.")


@app.command()
def demo(
    stacks: Annotated[
        list[str] | None, typer.Argument(help="Stacks or deployments, `*` and `?` allowed; all when left out")
    ] = None,
    environment: Annotated[str, typer.Option(help="dev or prod")] = "dev",
    keep: Annotated[bool, typer.Option("--keep", help="Leave the emulator running.")] = False,
    destroy: Annotated[bool, typer.Option("--destroy", help="Destroy everything in the end.")] = False,
) -> None:
    """Applies stacks to an emulator, plans them again (which must find nothing to do) and checks what they do."""
    from rich.console import Console

    from operations.commands.day2 import checks_of, rehearsal_of
    from operations.demo.demo import Demo

    asked = Demo(
        patterns=stacks or (),
        environment=environment,
        keep=keep,
        destroy=destroy,
        checks_of=checks_of,
        rehearsal_of=rehearsal_of,
    )
    if not asked.run(Console()):
        raise typer.Exit(1)
