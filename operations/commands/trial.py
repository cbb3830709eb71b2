"""`quintet trial`: apply stacks to your own account, check them, destroy them, and report what went otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from operations.commands.factory import new_app
from operations.commands.options import EnvironmentFilter, YesOption
from operations.console import new_console

app = new_app("Apply stacks to your own account, check them and destroy them again.")


@app.command()
def trial(
    stacks: Annotated[
        list[str], typer.Argument(help="Stacks, or deployments together with --environment.", show_default=False)
    ],
    environment: EnvironmentFilter = None,
    yes: YesOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show the steps; AWS is not asked.")] = False,
    clean_up: Annotated[
        bool, typer.Option("--clean-up", help="Only destroy what an earlier trial left standing.")
    ] = False,
    despite_preflight: Annotated[
        bool, typer.Option("--despite-preflight", help="Go on where preflight says that the apply would fail.")
    ] = False,
    report_to: Annotated[
        Path | None,
        typer.Option(help="Also write trial.md and trial.json into this folder.", file_okay=False, show_default=False),
    ] = None,
) -> None:
    """Applies stacks that nobody has applied yet, plans them again, checks them, and destroys everything.

    Asks before anything is created. Ends with a report of refusals and differences from the emulator that names no
    account, host, person or secret: docs/trial.md. Exit code 1 when there are any, or something remains.
    """
    from operations.commands.day2 import checks_of, questions_of
    from operations.trial.trial import Trial

    def consent(question: str) -> bool:
        typer.echo(question)
        return yes or typer.confirm("Go on?", default=False)

    asked = Trial(
        stacks,
        environment=environment,
        clean_up=clean_up,
        despite_preflight=despite_preflight,
        checks_of=checks_of,
        questions_of=questions_of,
        consent=consent,
        report_to=report_to,
    )
    if dry_run:
        for stack in asked.stacks():
            typer.echo(f"{stack.name} in {stack.region}: {', '.join(asked.steps())}")
        return
    if not asked.run(new_console(steady=True)).fine:
        raise typer.Exit(1)
