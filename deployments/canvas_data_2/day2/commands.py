"""`quintet canvas`: fill in credentials, prepare the database, refresh tables, see what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from operations.commands.factory import new_app
from operations.commands.options import DEFAULT_ENVIRONMENT, DryRunOption, EnvironmentOption, JsonOption
from operations.commands.restore_database import add_restore
from operations.console import new_console
from operations.listing import Listing, show

if TYPE_CHECKING:
    from operations.restore.database import RestoredApplication

app = new_app("Day-2 work on Canvas Data 2.")

NoWait = Annotated[bool, typer.Option("--no-wait", help="Start it and leave it alone.")]
Namespace = Annotated[str, typer.Option(help="canvas, canvas_logs, catalog or new_quizzes")]
TableName = Annotated[str, typer.Argument(help="A table of the namespace, such as users")]


@app.command("put-credentials")
def put_credentials(environment: EnvironmentOption = DEFAULT_ENVIRONMENT, dry_run: DryRunOption = False) -> None:
    """Stores client id and secret of the DAP API; asks for them, or takes DAP_CLIENT_ID and DAP_CLIENT_SECRET."""
    import os

    from deployments.canvas_data_2.day2.credentials import Credentials

    client_id = os.environ.get("DAP_CLIENT_ID") or typer.prompt("Client id")
    client_secret = os.environ.get("DAP_CLIENT_SECRET") or typer.prompt("Client secret", hide_input=True)
    asked = Credentials(client_id.strip(), client_secret.strip(), environment=environment, dry_run=dry_run)
    asked.put(new_console())


@app.command()
def publish(environment: EnvironmentOption = DEFAULT_ENVIRONMENT, dry_run: DryRunOption = False) -> None:
    """Publishes the libraries of sync_table and builds the task's image; what is there already is left alone."""
    from deployments.canvas_data_2.day2.publish import PipelinePublication

    PipelinePublication(environment=environment, dry_run=dry_run).run(new_console())


@app.command("prepare-database")
def prepare_database(environment: EnvironmentOption = DEFAULT_ENVIRONMENT, dry_run: DryRunOption = False) -> None:
    """Makes the pipeline's user, its schemas, grants and helper functions; run again, it mends what is missing."""
    from deployments.canvas_data_2.day2.user import DatabaseUser

    DatabaseUser(environment=environment, dry_run=dry_run).prepare(new_console())


@app.command("rotate-user")
def rotate_user(environment: EnvironmentOption = DEFAULT_ENVIRONMENT, dry_run: DryRunOption = False) -> None:
    """Gives the pipeline's user a new password, in its secret and in the database."""
    from deployments.canvas_data_2.day2.user import DatabaseUser

    DatabaseUser(environment=environment, dry_run=dry_run).rotate(new_console())


@app.command()
def start(
    tables: Annotated[list[str] | None, typer.Argument(help="These tables only; without, all")] = None,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    no_wait: NoWait = False,
    dry_run: DryRunOption = False,
) -> None:
    """Refreshes the tables now and says of each what became of it."""
    from deployments.canvas_data_2.day2.refresh import TablesRefresh

    asked = TablesRefresh(environment=environment, tables=tables or (), wait=not no_wait, dry_run=dry_run)
    try:
        asked.run(new_console())
    except KeyboardInterrupt:
        typer.echo(f"No longer watched; it goes on: quintet canvas status --environment {environment}", err=True)


@app.command()
def status(
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    number: Annotated[int, typer.Option(help="How many executions to show.", min=1, max=100)] = 10,
    as_json: JsonOption = False,
) -> None:
    """Lists the latest refreshes, and the tables of the newest."""
    from config.settings import ROOT
    from deployments.canvas_data_2.day2.deployed import CanvasData2
    from deployments.canvas_data_2.day2.executions import Executions
    from operations.aws import Aws, refusals_explained

    console = new_console(stderr=as_json)
    with refusals_explained():
        executions = Executions(CanvasData2.applied(ROOT, environment, Aws()))
        recent = executions.recent(number)
        if recent:
            executions.update(recent[0])
    if not recent:
        console.print(f"Nothing was refreshed yet: quintet canvas start --environment {environment}")
        return
    listing = Listing("executions", ("execution", "began", "minutes", "status"))
    for execution in recent:
        ended, began = execution.stopped, execution.started
        minutes = (ended - began).total_seconds() / 60 if ended and began else None
        listing.add(execution.name, began, minutes, execution.status.lower())
    show(listing, console=console, as_json=as_json)
    counts = ", ".join(f"{count} {state}" for state, count in sorted(recent[0].counts.items()))
    console.print(f"{recent[0].name}: {counts or 'no table yet'} (of {recent[0].total or '?'})")


@app.command()
def failures(
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    execution: Annotated[str | None, typer.Option(help="Its name; without, the latest that has ended")] = None,
) -> None:
    """Says of every table that failed where and why; exit code 1 when there is one."""
    from config.settings import ROOT
    from deployments.canvas_data_2.day2.deployed import CanvasData2
    from deployments.canvas_data_2.day2.executions import Executions
    from operations.aws import Aws, refusals_explained

    console = new_console()
    with refusals_explained():
        executions = Executions(CanvasData2.applied(ROOT, environment, Aws()))
        found = executions.find(execution)
        executions.update(found)
    for run in found.failed:
        console.print(f"{run.name}: {run.error}")
        if run.cause:
            console.print(f"    {run.cause}")
    if found.failed or found.status == "FAILED":
        console.print(
            f"{found.name}: {len(found.failed)} of {len(found.tables)} tables failed. {found.error}", markup=False
        )
        raise typer.Exit(1)
    console.print(f"{found.name}: no table failed.")


@app.command("init-table")
def init_table(
    table: TableName,
    namespace: Namespace = "canvas",
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    again: Annotated[
        bool, typer.Option("--again", help="Drop the table first and fill it anew; its views and grants are put back.")
    ] = False,
    confirmed: Annotated[bool, typer.Option("--confirmed", help="With --again: do not ask.")] = False,
    no_wait: NoWait = False,
    dry_run: DryRunOption = False,
) -> None:
    """Fills one table for the first time, on Fargate: for as long as it takes.

    A table that is filled already stays as it is, unless --again says so: for one that was altered by hand, or whose
    new columns do not suit the old ones.
    """
    if again and not confirmed and not dry_run:
        question = f"{namespace}.{table} of {environment} is dropped, and filled again from Canvas. Go on?"
        typer.confirm(question, abort=True, err=True)
    _run_task("init", table, namespace, environment, no_wait, dry_run, again=again)


@app.command("sync-table")
def sync_table(
    table: TableName,
    namespace: Namespace = "canvas",
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    no_wait: NoWait = False,
    dry_run: DryRunOption = False,
) -> None:
    """Brings one table up to date, on Fargate."""
    _run_task("sync", table, namespace, environment, no_wait, dry_run)


def _restored(environment: str) -> RestoredApplication:
    from config.settings import ROOT
    from deployments.canvas_data_2.day2.restore import RestoredCanvas
    from operations.aws import Aws

    return RestoredCanvas.applied(ROOT, environment, Aws())


add_restore(
    app,
    _restored,
    meanwhile="While the clusters change their names nothing is refreshed: some minutes. The next refresh brings what "
    "Canvas has changed since then.",
    of_cluster=True,
)


@app.command("destroy-notes")
def destroy_notes(environment: EnvironmentOption = DEFAULT_ENVIRONMENT) -> None:
    """Says what destroying the stack would take with it, and how it is done; destroys nothing."""
    from deployments.canvas_data_2.day2.destruction import DestructionNotes

    DestructionNotes(environment).say(new_console())


def _run_task(
    action: str, table: str, namespace: str, environment: str, no_wait: bool, dry_run: bool, *, again: bool = False
) -> None:
    from deployments.canvas_data_2.day2.table_task import TableTask

    asked = TableTask(
        "init" if action == "init" else "sync",
        table,
        namespace=namespace,
        environment=environment,
        again=again,
        wait=not no_wait,
        dry_run=dry_run,
    )
    try:
        asked.run(new_console())
    except KeyboardInterrupt:
        typer.echo("No longer watched; the task goes on.", err=True)
