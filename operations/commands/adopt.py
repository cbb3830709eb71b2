"""`quintet adopt`: propose to take over what was made by hand."""

from __future__ import annotations

import typer

from operations.commands.factory import new_app
from operations.commands.options import EnvironmentFilter, StackArgument

app = new_app("Propose to take over what was made by hand in AWS's console.")


@app.command()
def adopt(stack: StackArgument, environment: EnvironmentFilter = None) -> None:
    """Looks for a stack's resources in AWS by names and tags and prints the [adopt] section that takes them over."""
    from config.settings import ROOT
    from operations.aws import Aws
    from operations.review.adoption import look_up, section
    from operations.stacks import find_stacks, only

    chosen = only(find_stacks(ROOT, environment), stack)
    found = list(look_up(Aws(), chosen))
    for each in found:
        if each.left_out:
            typer.echo(f"# {each.address}: {each.left_out}", err=True)
        elif not each.ids and each.holds_data:
            typer.echo(f"# {each.address}: there is no {each.name}; the stack would make it", err=True)
        if len(each.ids) > 1:
            alike = ", ".join(each.ids)
            typer.echo(f"# {each.address}: {alike} are all called {each.name}; write the right one yourself", err=True)
    if not any(each.id for each in found):
        typer.echo(f"Nothing of {chosen.name} exists under the names its settings give.", err=True)
        return
    folder = f"deployments/{chosen.deployment.replace('-', '_')}"
    typer.echo(f"# For {folder}/environments/{chosen.environment}.toml; then make synth and plan", err=True)
    typer.echo(section(found))
