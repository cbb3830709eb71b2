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
    """Reads every settings file and says everything that is wrong with them at once, then which stacks are stale.

    Refuses versions that AWS no longer offers by the dated facts in config/aws, and warns half a year before an end.
    """
    from datetime import UTC, datetime

    from config.retired_stacks import refuse_lost_stacks
    from config.settings import ROOT, SettingsError
    from config.stack_settings import load_all
    from operations.plans.fresh_synth import fresh_synth, stale_message
    from operations.review.ageing import ageing, old_groups
    from operations.review.facts import read_facts
    from operations.stacks import find_stacks

    today = datetime.now(UTC).date()
    plans = load_all()
    refuse_lost_stacks(plan.stack_name for plan in plans)
    facts = read_facts()
    found = ageing(plans, find_stacks(ROOT), facts, today=today)
    gone = [item.problem for item in found if item.gone]
    for warning in (item.problem for item in found if not item.gone):
        typer.echo(f"Warning: {warning}", err=True)
    if gone:
        raise SettingsError(gone)
    for plan in plans:
        if not plan.settings.alarms.emails:
            typer.echo(f"Warning: {plan.file}: alarms.emails is empty: no alarm reaches anybody", err=True)
        typer.echo(f"{plan.stack_name}: {plan.file} is fine ({plan.settings.region})")
    oldest = min(group.day for group in facts.groups.values())
    typer.echo(f"Facts of AWS: the oldest are of {oldest}, {(today - oldest).days} days ago.")
    if old := old_groups(facts, today=today):
        typer.echo(f"Warning: old facts of AWS: {', '.join(old)}; renew them: quintet facts refresh", err=True)
    for name in fresh_synth(ROOT).stale_stacks(ROOT):
        typer.echo(stale_message(name), err=True)
