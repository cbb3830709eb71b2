"""`quintet new`: settings for what does not exist yet."""

from __future__ import annotations

from typing import Annotated

import typer

from operations.commands.factory import new_app
from operations.commands.options import (
    DEFAULT_ENVIRONMENT,
    JsonOption,
    complete_environments,
    known_environment,
)

app = new_app("Write the settings of a new environment.")


@app.callback()
def _new() -> None:
    """Write the settings of a new environment."""


@app.command()
def environment(
    name: Annotated[str, typer.Argument(help="Lower-case words joined by hyphens.", show_default=False)],
    source: Annotated[
        str,
        typer.Option(
            "--from",
            help="The environment whose settings are taken over.",
            callback=known_environment,
            autocompletion=complete_environments,
        ),
    ] = DEFAULT_ENVIRONMENT,
    account: Annotated[
        str | None, typer.Option(help="Twelve digits; the account of --from when left out.", show_default=False)
    ] = None,
    deployment: Annotated[
        list[str] | None, typer.Option(help="Only this deployment. May be given several times.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Writes the settings of an environment from another's, with names, networks and state places of its own.

    Keeps comments. Writes no file that exists, and none at all when the settings or a synth with them would be refused.
    """
    from config.settings import ROOT
    from operations.console import new_console
    from operations.environments.new_environment import Creation
    from operations.listing import Column, Listing, show

    written = Creation(name, source, ROOT, account, deployment or ()).run()
    console = new_console(stderr=as_json)
    own = Listing("own", (Column("file"), "key", "before", "after"), title=f"Values of {name}'s own")
    for renamed in written.renamed:
        own.add(renamed.file, renamed.key, renamed.before, renamed.after)
    kept = Listing(
        "kept", (Column("file"), "key", "value"), title=f"Kept from {source}: correct what does not hold for {name}"
    )
    for value in written.kept:
        kept.add(value.file, value.key, value.value)
    show(own, kept, console=console, as_json=as_json)
    for file in written.files:
        console.print(f"Written: {file}")
    console.print(
        f"Next: make synth, quintet state bootstrap {name}, quintet preflight --environment {name}, "
        f"quintet plan --environment {name}"
    )
