"""`quintet settings`: is everything that operators set acceptable?"""

from __future__ import annotations

import typer

from operations.commands.factory import new_app

app = new_app("Check what operators set.")


@app.callback()
def _settings() -> None:
    """Check what operators set."""


@app.command()
def check() -> None:
    """Reads every settings file and says everything that is wrong with them at once, then which stacks are stale."""
    from config.retired_stacks import refuse_lost_stacks
    from config.settings import ROOT
    from config.stack_settings import load_all
    from operations.plans.fresh_synth import fresh_synth, stale_message

    plans = load_all()
    refuse_lost_stacks(plan.stack_name for plan in plans)
    for plan in plans:
        typer.echo(f"{plan.stack_name}: {plan.file} is fine ({plan.settings.region})")
    for name in fresh_synth(ROOT).stale_stacks(ROOT):
        typer.echo(stale_message(name), err=True)
