"""`quintet state`: the bucket and lock table that hold Terraform's state, and who holds a lock."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from operations.commands.factory import new_app
from operations.commands.options import (
    DryRunOption,
    EnvironmentArgument,
    EnvironmentFilter,
    JsonOption,
    StackArgument,
    YesOption,
    complete_environments,
    known_environment,
)
from operations.console import new_console, printable
from operations.listing import Cell, Column, Listing, show

if TYPE_CHECKING:
    from collections.abc import Iterator

    from operations.state.status import EnvironmentStatus, StackStatus

app = new_app("The bucket and lock table that hold Terraform's state.")


@app.command()
def bootstrap(environment: EnvironmentArgument, dry_run: DryRunOption = False, as_json: JsonOption = False) -> None:
    """Makes the state bucket and the lock table of an environment, or mends what drifted; safe to run again."""
    from config.environment import load_environment
    from operations.aws import Aws
    from operations.state.bootstrap import bootstrap as bring_about

    settings = load_environment(environment)
    lines = bring_about(Aws(), settings, dry_run=dry_run)
    listing = Listing("items", ("item", "found", "wanted", "done"))
    for line in lines:
        listing.add(line.name, line.found, line.wanted, line.done or None)
    console = new_console(stderr=as_json)
    show(listing, console=console, as_json=as_json)
    changes = sum(bool(line.done) for line in lines)
    verb = "would change" if dry_run else "changed"
    console.print(f"{changes} of {len(lines)} items {verb}." if changes else "Everything is as wanted.")


@app.command()
def status(
    environment: Annotated[
        str | None,
        typer.Argument(
            help="A file in config/environments, without its ending; all of this account when left out.",
            callback=known_environment,
            autocompletion=complete_environments,
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Shows bucket, table, and every stack's serial, resources, size, last change and lock holder."""
    import os

    from config.environment import CloudStateSettings, environment_names, load_environment
    from config.settings import ROOT
    from operations.aws import Aws, account_of
    from operations.stacks import find_stacks
    from operations.state.errored_state import errored_states
    from operations.state.hcp_terraform import state_in_s3
    from operations.state.status import status as look
    from operations.terraform.under_way import applies_under_way

    console = new_console(stderr=as_json)
    places = Listing("places", ("environment", "place", "name", "region", "exists"))
    problem = Column("problem", fit="json")
    states = Listing("stacks", ("stack", "serial", "resources", "bytes", "last_change", problem, "locked_by"))
    strays = Listing("strays", ("environment", "key"))
    unsaved = Listing("unsaved_states", ("stack", "file"))
    ways_out: list[str] = []
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
        place, found = state_in_s3(settings), look(aws, settings, stacks)
        for kind, name, exists in (
            ("bucket", place.bucket, found.bucket_exists),
            ("lock table", place.lock_table, found.table_exists or place.locking == "lockfile"),
        ):
            missing = "" if exists else f"missing: quintet state bootstrap {settings.name}"
            places.add(settings.name, kind, name, place.region, Cell(exists, missing or "yes"))
        for known in found.stacks:
            states.add(known.stack.name, *_state_cells(found, known), [lock.describe() for lock in known.locks])
        for key in found.strays:
            strays.add(settings.name, key)
        for stack in stacks:
            for file in errored_states(ROOT, stack):
                unsaved.add(stack.name, str(file))
        ways_out += _ways_out(found)
    if as_json:
        show(places, states, strays, unsaved, console=console, as_json=True)
        return
    for listing in (places, states):
        if listing.rows:
            console.print(listing)
            console.print()
    for row in strays.objects():
        console.print(f"{row['environment']}: {row['key']}: a state that belongs to no committed stack")
    for row in unsaved.objects():
        console.print(f"{row['stack']}: a state that could not be saved is kept in {row['file']}")
        console.print(f"  Save it: quintet state push {row['stack']}")
    for line in ways_out:
        console.print(line)
    for apply in applies_under_way(ROOT, os.environ):
        console.print(apply.describe())


@app.command()
def unlock(
    stack: StackArgument,
    environment: EnvironmentFilter = None,
    yes: YesOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show who holds the lock.")] = False,
) -> None:
    """Shows who holds a stack's lock, asks, and breaks it. Refuses while an apply on this machine holds it."""
    import os

    from config.settings import ROOT
    from operations.aws import Aws
    from operations.errors import OperatorError
    from operations.stacks import find_stacks, only
    from operations.state.status import locks_of, operators_of, require_place
    from operations.state.status import unlock as break_locks
    from operations.terraform.under_way import applies_under_way

    aws = Aws()
    chosen = only(find_stacks(ROOT, environment), stack)
    require_place(aws, chosen)
    for apply in applies_under_way(ROOT, os.environ):
        if apply.record.stack == chosen.name:
            raise OperatorError(
                f"{apply.describe()}. The lock stays.",
                hint=f"Wait until it has ended, or interrupt it in good order: kill -INT {apply.record.pid}",
            )
    locks = (*locks_of(aws, chosen), *operators_of(aws, chosen))
    if not locks:
        typer.echo(f"{chosen.name} is not locked.")
        return
    for lock in locks:
        typer.echo(
            f"{chosen.name} is locked: {printable(lock.describe())} (lock {printable(lock.id) or 'without id'})."
        )
    if dry_run:
        return
    if not yes and not typer.confirm("Is nobody working on it any more? Break the lock?"):
        typer.echo("The lock stays.")
        raise typer.Exit(1)
    break_locks(aws, chosen, locks)
    typer.echo(f"{chosen.name} is unlocked.")


@app.command()
def move(
    stack: StackArgument,
    environment: EnvironmentFilter = None,
    yes: YesOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be moved.")] = False,
) -> None:
    """Moves a stack's state from DEPLOYMENT/terraform.tfstate to ENVIRONMENT/DEPLOYMENT/terraform.tfstate."""
    from config.settings import ROOT
    from operations.aws import Aws
    from operations.stacks import find_stacks, only
    from operations.state.move import move as bring_over
    from operations.state.move import plan_move

    aws = Aws()
    chosen = only(find_stacks(ROOT, environment), stack)
    planned = plan_move(aws, chosen)
    if planned is None:
        typer.echo(f"{chosen.name}: there is nothing to move to {chosen.state.key}.")
        return
    typer.echo(
        f"{planned.former.state.key} (serial {planned.serial}, {planned.resources} resources,"
        f" {f'of {planned.owner}' if planned.owner else 'its owner is not known'}) would be {chosen.state.key}."
    )
    if dry_run:
        return
    if not yes and not typer.confirm("Copy it there, and keep the former one locked?"):
        typer.echo("It stays where it is.")
        raise typer.Exit(1)
    bring_over(aws, planned)
    typer.echo(f"Moved. {planned.former.state.key} is kept, and locked against checkouts from before.")
    typer.echo(f"See that nothing would change: quintet plan {chosen.name}")


@app.command()
def push(
    stack: StackArgument,
    environment: EnvironmentFilter = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show which state would be saved.")] = False,
) -> None:
    """Saves the state that Terraform kept in errored.tfstate because it could not save it, and removes the file."""
    from config.settings import ROOT
    from operations.errors import OperatorError
    from operations.stacks import find_stacks, only
    from operations.state.errored_state import errored_states, push_errored_state
    from operations.terraform.run import Run

    chosen = only(find_stacks(ROOT, environment), stack)
    files = list(errored_states(ROOT, chosen))
    if not files:
        raise OperatorError(f"There is no errored.tfstate of {chosen.name} under .runs or generated/stacks.")
    typer.echo(f"{chosen.name}: {files[0]}")
    if dry_run:
        return
    with Run("push", root=ROOT) as run:
        serial = push_errored_state(chosen, run.terraform(chosen), files[0])
    typer.echo(f"Saved as serial {serial}. See what it means: quintet plan {chosen.name}")
    for older in files[1:]:
        typer.echo(f"An older one is left; delete it if it is of no use: {older}")


@app.command()
def digest(
    stack: StackArgument,
    environment: EnvironmentFilter = None,
    yes: YesOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be done.")] = False,
) -> None:
    """Makes the digest in the lock table fit the state as it is, or removes that of a state that is gone."""
    from config.settings import ROOT
    from operations.aws import Aws
    from operations.stacks import find_stacks, only
    from operations.state.digest import fit_digest, what_digest_needs

    aws = Aws()
    chosen = only(find_stacks(ROOT, environment), stack)
    need = what_digest_needs(aws, chosen)
    if need is None:
        typer.echo(f"The digest of {chosen.name} fits its state.")
        return
    typer.echo(need)
    if dry_run:
        return
    if not yes and not typer.confirm("Is the state as it is the right one (see quintet state versions)?"):
        typer.echo("The digest stays.")
        raise typer.Exit(1)
    fit_digest(aws, chosen)
    typer.echo("Done.")


@app.command()
def versions(
    stack: StackArgument,
    environment: EnvironmentFilter = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=1000, help="How many, the newest first.")] = 20,
    as_json: JsonOption = False,
) -> None:
    """Lists the versions of a stack's state that the bucket keeps."""
    from config.settings import ROOT
    from operations.aws import Aws
    from operations.stacks import find_stacks, only
    from operations.state.locks import age_text
    from operations.state.versions import state_versions

    chosen = only(find_stacks(ROOT, environment), stack)
    found = state_versions(Aws(), chosen, limit=limit)
    columns = (
        Column("version", fit="shorten"),
        Column("written", fit="whole"),
        "serial",
        "resources",
        "bytes",
        "current",
    )
    listing = Listing("versions", columns)
    for version in found:
        written = f"{version.changed:%Y-%m-%d %H:%M:%S %Z}, {age_text(version.changed)} ago"
        serial = Cell(version.serial, "not a state" if version.serial is None else None)
        current = Cell(version.latest, "current" if version.latest else "")
        listing.add(version.id, Cell(version.changed, written), serial, version.resources, version.size_bytes, current)
    if as_json:
        show(listing, console=new_console(), as_json=True)
        return
    if not found:
        typer.echo(f"{chosen.name} has no state: it was never applied.")
        return
    new_console().print(listing)
    if not any(version.latest for version in found):
        typer.echo("The current state was deleted: these are the versions before.")
    typer.echo(f"To go back to one: quintet state restore {chosen.name} VERSION --dry-run")


@app.command()
def restore(
    stack: StackArgument,
    version: Annotated[str, typer.Argument(help="From quintet state versions; its first four characters will do")],
    environment: EnvironmentFilter = None,
    yes: YesOption = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show what would be different.")] = False,
) -> None:
    """Makes an older version of a stack's state the current one, under the lock, with a backup. Changes no resource."""
    from config.settings import ROOT
    from operations.aws import Aws
    from operations.stacks import find_stacks, only
    from operations.state.versions import plan_restoration, state_versions
    from operations.state.versions import restore as write_back

    aws = Aws()
    chosen = only(find_stacks(ROOT, environment), stack)
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


def _state_cells(found: EnvironmentStatus, row: StackStatus) -> list[Cell]:
    from operations.state.locks import age_text
    from operations.state.status import absence

    state = row.state
    if state is None:
        why = absence(found, row)
        return [Cell(None), Cell(None), Cell(None), Cell(None, why), Cell(None if why == "never applied" else why)]
    warning = f"; {state.problem}" if state.problem else ""
    changed = Cell(state.changed, f"{age_text(state.changed)} ago{warning}")
    return [Cell(state.serial), Cell(state.resources), Cell(state.size_bytes), changed, Cell(state.problem or None)]


def _ways_out(found: EnvironmentStatus) -> Iterator[str]:
    """Lines that say what is wrong with a state, and the commands that lead out."""
    for row in found.stacks:
        name = row.stack.name
        if row.at_former_key:
            yield f"{name}: its state is at the former key. Move it: quintet state move {name}"
        elif row.digest_left:
            yield f"{name}: its state is gone and its digest is left, so Terraform refuses to work."
            yield f"  Restore a version: quintet state versions {name}"
            yield f"  Or begin with an empty state: quintet state digest {name}"
        elif row.state is not None and row.state.problem:
            yield f"{name}: {row.state.problem}."
            yield f"  Restore a version that is sound: quintet state versions {name}"
