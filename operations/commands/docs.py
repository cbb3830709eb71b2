"""`quintet docs`: the generated parts of the documentation."""

from __future__ import annotations

import typer

from operations.commands.factory import new_app
from operations.commands.options import DryRunOption

app = new_app("The generated parts of the documentation.")


@app.command()
def write(
    dry_run: DryRunOption = False,
) -> None:
    """Brings diagrams, tables and JSON schemas of settings and lists of exemptions up to date with what exists."""
    from config.settings import ROOT
    from operations.docs.pages import pages

    stale = [page for page in pages(ROOT) if page.stale]
    for page in stale:
        if not dry_run:
            page.path.parent.mkdir(exist_ok=True)
            page.path.write_text(page.wanted, encoding="utf-8")
        typer.echo(f"{page.path.relative_to(ROOT)}: {'would be written' if dry_run else 'written'}")
    if not stale:
        typer.echo("Every generated part is up to date.")


@app.command()
def check() -> None:
    """Says which pages tell of something that has changed."""
    from config.settings import ROOT
    from operations.docs.pages import pages

    found = pages(ROOT)
    for page in found:
        if page.stale:
            typer.echo(f"{page.path.relative_to(ROOT)} is out of date: quintet docs write", err=True)
    if any(page.stale for page in found):
        raise typer.Exit(1)
    typer.echo(f"The generated parts of {len(found)} pages are up to date.")
