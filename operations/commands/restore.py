"""`quintet restore`: what a stack's buckets and tables held at a moment."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from operations.commands.factory import new_app
from operations.commands.options import DryRunOption, EnvironmentFilter, StackArgument, YesOption
from operations.console import printable

if TYPE_CHECKING:
    from operations.aws import Aws
    from operations.stacks import Stack

app = new_app("Restore a stack's buckets and tables as of a moment.")

AddressArgument = Annotated[str, typer.Argument(help="The address in the stack's state.", show_default=False)]
MomentOption = Annotated[str, typer.Option("--to", help="A time with its zone.", show_default=False)]


@app.command()
def bucket(
    stack: StackArgument,
    address: AddressArgument,
    to: MomentOption,
    environment: EnvironmentFilter = None,
    prefix: Annotated[str, typer.Option(help="Only keys that begin with this.")] = "",
    yes: YesOption = False,
    dry_run: DryRunOption = False,
) -> None:
    """Makes the objects of a bucket what they were; what they are now stays as versions. Safe to run again.

    Versions are never deleted: an object that was deleted since comes back by the removal of its delete marker, another
    one by a copy of its version, and one that did not exist gets a delete marker.
    """
    from operations.aws import refusals_explained
    from operations.restore.buckets import bring_back, changes_since
    from operations.restore.moment import moment
    from operations.state.one_operator import one_operator

    time = moment(to)
    aws, chosen, found = _resource(stack, environment, address, "aws_s3_bucket")
    s3, name = aws.client("s3", region=chosen.region), found["bucket"]
    with refusals_explained(), one_operator(aws, chosen, "restore", dry_run=dry_run):
        changes = list(changes_since(s3, name, prefix, time))
        counts = Counter(change.action for change in changes)
        typer.echo(
            f"{name}/{prefix}: {counts['copy']} objects would be copied from an earlier version, "
            f"{counts['undelete']} deleted ones come back, {counts['delete']} newer ones be deleted."
        )
        for change in changes[:_SHOWN]:
            typer.echo(f"  {change.action} {printable(change.key)}")
        if len(changes) > _SHOWN:
            typer.echo(f"  … and {len(changes) - _SHOWN} more")
        if dry_run or not changes:
            return
        if not yes and not typer.confirm("Do it?"):
            raise typer.Exit(1)
        bring_back(s3, name, changes)
    typer.echo(f"{name}/{prefix} holds what it held at {time.isoformat()}.")


@app.command()
def table(
    stack: StackArgument,
    address: AddressArgument,
    to: MomentOption,
    environment: EnvironmentFilter = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    timeout_minutes: Annotated[float, typer.Option(help="How long the restore may take.", min=1, max=2880)] = 240,
) -> None:
    """Restores a DynamoDB table into a second one, then makes the items of the first what those are. Safe to run again.

    The application sees the items change one by one: close it first where that matters.
    """
    from operations.aws import refusals_explained
    from operations.restore.moment import moment
    from operations.restore.tables import TableRestore
    from operations.state.one_operator import one_operator

    time = moment(to)
    aws, chosen, found = _resource(stack, environment, address, "aws_dynamodb_table")
    dynamodb = aws.client("dynamodb", region=chosen.region)
    asked = TableRestore(dynamodb, found["name"], time, timeout_seconds=timeout_minutes * 60)
    with refusals_explained(), one_operator(aws, chosen, "restore", dry_run=dry_run):
        asked.check()
        if dry_run:
            typer.echo(f"Would restore {asked.table} into {asked.restored}, compare the two, and bring items over.")
            return
        typer.echo(f"Restoring {asked.table} into {asked.restored}")
        asked.restore()
        difference = asked.difference()
        typer.echo(f"{len(difference.write)} items would be written, {len(difference.delete)} newer ones be deleted.")
        if (difference.write or difference.delete) and not yes and not typer.confirm("Do it?"):
            typer.echo(f"{asked.table} stays as it is; {asked.restored} is there, and costs, until you delete it.")
            raise typer.Exit(1)
        asked.bring_over(difference)
    typer.echo(f"{asked.table} holds what it held at {time.isoformat()}. Delete {asked.restored}, which costs, by:")
    typer.echo(f"  aws dynamodb delete-table --region {chosen.region} --table-name {asked.restored}")


_SHOWN = 20


def _resource(stack: str, environment: str | None, address: str, kind: str) -> tuple[Aws, Stack, dict[str, Any]]:
    """The stack, and the attributes of its resource at `address`. Raises OperatorError when there is none."""
    from config.settings import ROOT
    from operations.aws import Aws, check_account
    from operations.errors import OperatorError
    from operations.stacks import find_stacks, only
    from operations.state.difference import resources_of
    from operations.state.status import current_state

    aws, chosen = Aws(), only(find_stacks(ROOT, environment), stack)
    check_account(aws, chosen.account_id, region=chosen.region)
    known = resources_of(current_state(aws, chosen))
    held = {name: found for name, found in known.items() if name.startswith(f"{kind}.")}
    if address not in held:
        there = ", ".join(sorted(held)) or "none"
        raise OperatorError(f"The state of {chosen.name} has no {kind} at {address}; it has {there}.")
    return aws, chosen, dict(held[address])
