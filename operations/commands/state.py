"""`quintet state`: the bucket and lock table that hold Terraform's state, and who holds a lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from config.environment import StateSettings
    from operations.state.status import EnvironmentStatus

app = typer.Typer(help="The bucket and lock table that hold Terraform's state.", no_args_is_help=True)


@app.command()
def bootstrap(
    environment: Annotated[str, typer.Argument(help="dev or prod")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Makes the state bucket and the lock table of an environment, or mends what drifted; safe to run again."""
    from rich.console import Console
    from rich.table import Table

    from config.environment import load_environment
    from operations.aws import Aws
    from operations.state.bootstrap import bootstrap as bring_about

    settings = load_environment(environment)
    lines = bring_about(Aws(), settings, dry_run=dry_run)
    table = Table("item", "found", "wanted", "done")
    for line in lines:
        table.add_row(line.name, line.found, line.wanted, line.done or "–")
    console = Console()
    console.print(table)
    changes = sum(bool(line.done) for line in lines)
    verb = "would change" if dry_run else "changed"
    console.print(f"{changes} of {len(lines)} items {verb}." if changes else "Everything is as wanted.")


@app.command()
def status(
    environment: Annotated[str | None, typer.Argument(help="dev or prod; without it, all of this account")] = None,
) -> None:
    """Shows bucket, table, and every stack's serial, resources, size, last change and lock holder."""
    from rich.console import Console

    from config.environment import CloudStateSettings, environment_names, load_environment
    from config.settings import ROOT
    from operations.aws import Aws, account_of
    from operations.stacks import find_stacks
    from operations.state.hcp_terraform import state_in_s3
    from operations.state.status import status as look

    console = Console()
    aws = Aws()
    names = [environment] if environment else environment_names()
    for settings in map(load_environment, names):
        if environment is None and isinstance(settings.state, CloudStateSettings):
            console.print(f"{settings.name}: in the organization {settings.state.organization} of HCP Terraform.")
            continue
        region = state_in_s3(settings).region
        if environment is None and (account := account_of(aws, region=region)) != settings.account_id:
            console.print(f"{settings.name}: account {settings.account_id}; these credentials are for {account}.")
            continue
        stacks = find_stacks(ROOT, settings.name)
        _show(console, settings.name, state_in_s3(settings), look(aws, settings, stacks))


@app.command()
def unlock(
    stack: Annotated[str, typer.Argument(help="Name of a stack, as in generated/stacks")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show who holds the lock.")] = False,
) -> None:
    """Shows who holds a stack's lock, asks, and breaks it by way of Terraform."""
    from config.settings import ROOT
    from operations.aws import Aws
    from operations.stacks import find_stacks, only
    from operations.state.status import locks_of, require_place
    from operations.state.status import unlock as break_locks
    from operations.terraform.run import Run

    aws = Aws()
    chosen = only(find_stacks(ROOT), stack)
    require_place(aws, chosen)
    locks = locks_of(aws, chosen)
    if not locks:
        typer.echo(f"{chosen.name} is not locked.")
        return
    for lock in locks:
        typer.echo(f"{chosen.name} is locked: {lock.describe()} (lock {lock.id}).")
    if dry_run:
        return
    if not yes and not typer.confirm("Is nobody working on it any more? Break the lock?"):
        typer.echo("The lock stays.")
        raise typer.Exit(1)
    with Run("unlock", root=ROOT) as run:
        break_locks(aws, chosen, run.terraform(chosen))
    typer.echo(f"{chosen.name} is unlocked.")


@app.command()
def versions(
    stack: Annotated[str, typer.Argument(help="Name of a stack, as in generated/stacks")],
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many, the newest first.")] = 20,
) -> None:
    """Lists the versions of a stack's state that the bucket keeps."""
    from rich.console import Console
    from rich.table import Table

    from config.settings import ROOT
    from operations.aws import Aws
    from operations.stacks import find_stacks, only
    from operations.state.locks import age_text
    from operations.state.versions import state_versions

    chosen = only(find_stacks(ROOT), stack)
    found = state_versions(Aws(), chosen, limit=limit)
    if not found:
        typer.echo(f"{chosen.name} has no state: it was never applied.")
        return
    table = Table()
    table.add_column("version", no_wrap=True)
    for column in ("written", "serial", "resources", "bytes"):
        table.add_column(column)
    for version in found:
        serial = "not a state" if version.serial is None else str(version.serial)
        mark = " (current)" if version.latest else ""
        written = f"{version.changed:%Y-%m-%d %H:%M:%S %Z}, {age_text(version.changed)} ago"
        table.add_row(f"{version.id}{mark}", written, serial, str(version.resources), str(version.size_bytes))
    Console().print(table)
    if not any(version.latest for version in found):
        typer.echo("The current state was deleted: these are the versions before.")
    typer.echo(f"To go back to one: quintet state restore {chosen.name} VERSION --dry-run")


@app.command()
def restore(
    stack: Annotated[str, typer.Argument(help="Name of a stack, as in generated/stacks")],
    version: Annotated[str, typer.Argument(help="From quintet state versions; its first four characters will do")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be different.")] = False,
) -> None:
    """Makes an older version of a stack's state the current one, under the lock, with a backup. Changes no resource."""
    from config.settings import ROOT
    from operations.aws import Aws
    from operations.stacks import find_stacks, only
    from operations.state.versions import plan_restoration, state_versions
    from operations.state.versions import restore as write_back

    aws = Aws()
    chosen = only(find_stacks(ROOT), stack)
    planned = plan_restoration(chosen, state_versions(aws, chosen, limit=_VERSIONS_SEARCHED), version)
    now = f"serial {planned.current.serial}" if planned.current else "deleted"
    typer.echo(
        f"{chosen.name}: now {now}; {planned.version.id} with serial {planned.version.serial} would take its place."
    )
    for line in planned.differences:
        typer.echo(f"  {line}")
    if not planned.differences:
        typer.echo("  It knows the same resources and outputs; only its serial and the digest would be new.")
    if dry_run:
        return
    if not yes and not typer.confirm(f"Write it as serial {planned.serial}?"):
        typer.echo("The state stays as it is.")
        raise typer.Exit(1)
    backup = write_back(aws, planned)
    if backup:
        typer.echo(f"The state before is kept as s3://{chosen.state.bucket}/{backup}.")
    typer.echo(f"{chosen.name} has serial {planned.serial}. See what it means: quintet plan {chosen.name}")


_VERSIONS_SEARCHED = 200


def _show(console: Console, environment: str, place: StateSettings, found: EnvironmentStatus) -> None:
    from rich.table import Table

    from operations.state.locks import age_text

    for what, name, exists in (
        ("bucket", place.bucket, found.bucket_exists),
        ("lock table", place.lock_table, found.table_exists or place.locking == "lockfile"),
    ):
        missing = "" if exists else f"  missing: quintet state bootstrap {environment}"
        console.print(f"{environment}: {what} {name} in {place.region}{missing}")
    table = Table()
    table.add_column("stack", no_wrap=True)
    for column in ("serial", "resources", "bytes", "last change", "locked by"):
        table.add_column(column)
    for row in found.stacks:
        holders = "\n".join(lock.describe() for lock in row.locks) or "–"
        state = row.state
        if state is None:
            table.add_row(row.stack.name, "–", "–", "–", "never applied", holders)
            continue
        changed = f"{age_text(state.changed)} ago" + (
            "" if state.sound else "; differs from the digest in the lock table"
        )
        table.add_row(row.stack.name, str(state.serial), str(state.resources), str(state.size_bytes), changed, holders)
    console.print(table)
    for key in found.strays:
        console.print(f"{key}: a state that belongs to no committed stack")
