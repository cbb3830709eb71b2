"""`quintet facts`: what AWS offers and until when, as config/aws has it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from operations.commands.factory import new_app

app = new_app("The dated facts of AWS in config/aws.")


@app.callback()
def _facts() -> None:
    """The dated facts of AWS in config/aws."""


@app.command()
def refresh(
    released: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day of cfn-lint's release.", show_default="that of the facts"),
    ] = None,
    account: Annotated[bool, typer.Option("--account", help="Ask your account instead of cfn-lint.")] = False,
    region: Annotated[str, typer.Option(help="Region to ask with --account.")] = "eu-central-1",
    cfn_lint: Annotated[Path, typer.Option(help="The environment that has cfn-lint.")] = Path(".venv-cfnlint"),
) -> None:
    """Renews the facts from an installed cfn-lint, or from your account with read-only calls. Commit what changed."""
    from datetime import UTC

    from config.limits import FACTS
    from config.settings import ROOT
    from operations.aws import Aws, refusals_explained
    from operations.review.facts import read_facts
    from operations.review.facts_refresh import from_account, from_cfn_lint, write

    known = read_facts()
    if account:
        aws = Aws()
        groups = {
            name: {"source": group.source, "day": group.day.isoformat(), "values": group.values}
            for name, group in known.groups.items()
        }
        rds, beanstalk = aws.client("rds", region=region), aws.client("elasticbeanstalk", region=region)
        with refusals_explained():
            new = from_account(rds, beanstalk, groups, day=datetime.now(UTC).date())
    else:
        day = released.date() if released else known.day("database_versions")
        new = from_cfn_lint(ROOT / cfn_lint, day=day)
    changed = write(FACTS, new)
    for name in changed:
        typer.echo(f"{name}: changed")
    typer.echo(f"{len(changed)} of {len(new)} groups have other values now." if changed else "Nothing changed.")
    if changed:
        typer.echo("Next: quintet settings check, git diff config/aws")
