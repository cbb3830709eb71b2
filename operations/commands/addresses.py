"""`quintet addresses`: the recorded addresses of what holds data."""

from __future__ import annotations

import typer

from operations.commands.factory import new_app
from operations.commands.options import DryRunOption, StacksArgument

app = new_app("The recorded addresses of what holds data.")


@app.command()
def check(stacks: StacksArgument = None) -> None:
    """Says which recorded addresses are gone from the committed Terraform JSON, and which stacks are."""
    from config.retired_stacks import refuse_lost_stacks
    from config.settings import ROOT
    from config.stack_settings import load_all
    from operations.review.addresses import losses, read_document, read_record
    from operations.stacks import find_stacks, select

    refuse_lost_stacks(plan.stack_name for plan in load_all())
    lost = [
        loss
        for stack in select(find_stacks(ROOT), stacks or [])
        for loss in losses(stack.name, read_document(stack.folder), read_record(ROOT, stack.name))
    ]
    for loss in lost:
        typer.echo(str(loss), err=True)
    if lost:
        raise typer.Exit(1)
    typer.echo("Nothing that holds data has lost its address.")


@app.command()
def record(
    stacks: StacksArgument = None,
    dry_run: DryRunOption = False,
) -> None:
    """Records the addresses that hold data as they are in the committed Terraform JSON."""
    from config.settings import ROOT
    from operations.review.addresses import holding_data, read_document, read_record, record_file
    from operations.stacks import find_stacks, select

    for stack in select(find_stacks(ROOT), stacks or []):
        before, now = read_record(ROOT, stack.name), holding_data(read_document(stack.folder))
        for address in sorted(now - before):
            typer.echo(f"{stack.name}: + {address}")
        for address in sorted(before - now):
            typer.echo(f"{stack.name}: - {address}")
        if not dry_run and now != before:
            file = record_file(ROOT, stack.name)
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("".join(f"{address}\n" for address in sorted(now)), encoding="utf-8")
