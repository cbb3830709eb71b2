"""`quintet sync-storage`: put nodes into service, change master secrets, refresh webheads, see whether it works."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from operations.commands.factory import new_app
from operations.commands.options import DEFAULT_ENVIRONMENT, DryRunOption, EnvironmentOption, JsonOption
from operations.commands.restore_database import (
    WAIT_MINUTES,
    AbandonOption,
    AgainOption,
    AllowMoreOption,
    SnapshotArgument,
    TimeOption,
    WaitOption,
    restore_database,
)
from operations.console import new_console
from operations.instances.log_output import time_span
from operations.listing import Cell, Column, Listing, show

if TYPE_CHECKING:
    from rich.console import Console

    from deployments.sync_storage.day2.deployed import Deployed
    from deployments.sync_storage.day2.rotation import Rotation
    from deployments.sync_storage.day2.token_server import TokenServerDatabase

app = new_app("Day-2 work on Sync Storage.")
secrets = new_app("Master secrets: a new one beside the old, webheads first, the old one last.")
app.add_typer(secrets, name="secrets")

BatchSize = Annotated[int, typer.Option(help="How many webheads render at a time.", min=1, max=50)]
Nodes = Annotated[list[str] | None, typer.Argument(help="Nodes; all when left out.", show_default=False)]
SecretsFile = Annotated[
    Path, typer.Option("--file", help="Where the secrets file for the token server is written.", dir_okay=False)
]
Confirmed = Annotated[
    bool, typer.Option("--confirmed", help="Do not ask: the token server takes the file as soon as it is written.")
]


@app.command("add-node")
def add_node(
    node: Annotated[str, typer.Argument(help="A node of the settings, which Terraform has made.")],
    capacity: Annotated[int, typer.Option(help="Users that each of its ten host names may get.", min=1)],
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    secrets_file: SecretsFile = Path("syncstorage-secrets"),
    confirmed: Confirmed = False,
    token_server: Annotated[
        str | None,
        typer.Option(
            help="The token server's database, mysql://user@host:3306/database; the password is asked for, or is in "
            "QUINTET_TOKEN_SERVER_PASSWORD.",
            show_default=False,
        ),
    ] = None,
    sql: Annotated[
        Path | None,
        typer.Option(help="Instead: where to write SQL for whoever runs it there.", dir_okay=False, show_default=False),
    ] = None,
    batch_size: BatchSize = 1,
    dry_run: DryRunOption = False,
) -> None:
    """Puts a node into service: databases, secrets, webheads, the token server's secrets, and its table last.

    Safe to run again: it goes on where it was interrupted.
    """
    from deployments.sync_storage.day2.add_node import AddNode
    from operations.aws import refusals_explained
    from operations.state.one_operator import one_operator

    if (token_server is None) == (sql is None):
        raise typer.BadParameter("Give --token-server or --sql, one of them.", param_hint="--token-server")
    database = None if token_server is None else _token_server(token_server, ask=not dry_run)
    console = new_console()
    with refusals_explained():
        deployed = _deployed(environment)
        with one_operator(deployed.aws, deployed.stack, "add-node", dry_run=dry_run):
            (chosen,) = deployed.chosen([node])
            AddNode(
                deployed,
                chosen,
                _rotation(deployed, console, batch_size, dry_run),
                console,
                capacity=capacity,
                secrets_file=secrets_file,
                confirm=_confirmation(confirmed),
                token_server=database,
                sql_file=sql,
                dry_run=dry_run,
            ).run()


@secrets.command("add")
def add(
    nodes: Nodes = None,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    batch_size: BatchSize = 1,
    dry_run: DryRunOption = False,
) -> None:
    """Makes a further secret for every host name and has the webheads accept it beside the old one.

    Safe to run again: no other one is made before the token server has this one.
    """
    from operations.aws import refusals_explained
    from operations.state.one_operator import one_operator

    with refusals_explained():
        deployed = _deployed(environment)
        with one_operator(deployed.aws, deployed.stack, "secrets add", dry_run=dry_run):
            _rotation(deployed, new_console(), batch_size, dry_run).add(deployed.chosen(nodes or []))


@secrets.command("publish")
def publish(
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    secrets_file: SecretsFile = Path("syncstorage-secrets"),
    confirmed: Confirmed = False,
    dry_run: DryRunOption = False,
) -> None:
    """Writes the secrets file for the token server, and notes since when it has it.

    Refused while a webhead may not accept tokens made with it.
    """
    from operations.aws import refusals_explained
    from operations.state.one_operator import one_operator

    with refusals_explained():
        deployed = _deployed(environment)
        with one_operator(deployed.aws, deployed.stack, "secrets publish", dry_run=dry_run):
            rotation = _rotation(deployed, new_console(), 1, dry_run)
            rotation.publish(secrets_file, confirm=_confirmation(confirmed))


@secrets.command("retire")
def retire(
    nodes: Nodes = None,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    grace: Annotated[str, typer.Option(help="How long after publishing tokens of the old secret may be good.")] = "2h",
    batch_size: BatchSize = 1,
    dry_run: DryRunOption = False,
) -> None:
    """Takes every secret but the newest away, from the webheads too; refused before the grace period is over."""
    from operations.aws import refusals_explained
    from operations.state.one_operator import one_operator

    span = time_span(grace, "--grace")
    with refusals_explained():
        deployed = _deployed(environment)
        with one_operator(deployed.aws, deployed.stack, "secrets retire", dry_run=dry_run):
            _rotation(deployed, new_console(), batch_size, dry_run).retire(deployed.chosen(nodes or []), grace=span)


@secrets.command("status")
def status(
    nodes: Nodes = None, environment: EnvironmentOption = DEFAULT_ENVIRONMENT, as_json: JsonOption = False
) -> None:
    """Shows how many secrets the nodes have, and who has the newest."""
    from deployments.sync_storage.day2.master_secrets import MasterSecrets
    from operations.aws import refusals_explained

    columns = ("node", "host_names", "secrets_each", "on_webheads", "with_the_token_server_since")
    listing = Listing("nodes", columns)
    with refusals_explained():
        deployed = _deployed(environment)
        for node in deployed.chosen(nodes or []):
            held = MasterSecrets(deployed, node).held()
            if held is None:
                listing.add(node.name, len(node.host_names), Cell(0, "none yet"), Cell(False, ""), Cell(None, ""))
                continue
            loaded = Cell(held.on_webheads, "yes" if held.on_webheads else "not yet")
            published = Cell(held.published, None if held.published else "not yet")
            listing.add(node.name, len(node.host_names), held.secrets_per_host_name, loaded, published)
    show(listing, console=new_console(), as_json=as_json)


@app.command()
def refresh(
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT, batch_size: BatchSize = 1, dry_run: DryRunOption = False
) -> None:
    """Has every webhead render its files anew and reload, batch by batch; stops when health drops."""
    from operations.aws import refusals_explained
    from operations.state.one_operator import one_operator

    with refusals_explained():
        deployed = _deployed(environment)
        with one_operator(deployed.aws, deployed.stack, "refresh", dry_run=dry_run):
            rotation = _rotation(deployed, new_console(), batch_size, dry_run)
            rotation.bring_to_webheads(deployed.chosen([]), anyway=True)


@app.command()
def restore(
    node: Annotated[str, typer.Argument(help="A node, whose database is restored.", show_default=False)],
    snapshot: SnapshotArgument = None,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    to: TimeOption = None,
    again: AgainOption = False,
    abandon: AbandonOption = False,
    allow_more: AllowMoreOption = False,
    dry_run: DryRunOption = False,
    timeout_minutes: WaitOption = WAIT_MINUTES,
) -> None:
    """Restores a node's database into a new instance, looks into it, and puts it in the place of the old one.

    The old one stays, and holds alone what was written since then. While the instances change their names the node has
    no database: some minutes. Safe to interrupt: run it again to resume.
    """
    from config.settings import ROOT
    from deployments.sync_storage.day2.restore import RestoredNode

    restore_database(
        lambda: RestoredNode.applied(_deployed(environment), node, ROOT),
        snapshot,
        to,
        again=again,
        abandon=abandon,
        allow_more=allow_more,
        dry_run=dry_run,
        timeout_minutes=timeout_minutes,
    )


@app.command()
def rehearse(
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    checkout: Annotated[
        Path | None,
        typer.Option(
            help="A checkout of server-syncstorage with its packages in local/, as its own `make build` leaves them; "
            "without, a stand-in plays the application.",
            file_okay=False,
            exists=True,
            show_default=False,
        ),
    ] = None,
) -> None:
    """Plays the committed stack through on this machine: webheads boot, a node comes into service, clients sign.

    Needs no AWS account: the emulator is applied to. Exit code 1 when a step fails.
    """
    from deployments.sync_storage.day2.rehearsal.command import play

    if not play(new_console(), environment, checkout):
        raise typer.Exit(1)


@app.command()
def check(
    nodes: Nodes = None,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    through: Annotated[
        str | None,
        typer.Option(help="Connect to this address instead of what DNS says: host or host:port", show_default=False),
    ] = None,
    timeout_seconds: Annotated[float, typer.Option(help="How long each host name may take.", min=0.1)] = 10,
    as_json: JsonOption = False,
) -> None:
    """Asks every host name for its heartbeat, over the load balancer."""
    from deployments.sync_storage.day2.host_names import ask_all
    from operations.aws import refusals_explained

    if through is not None and not re.fullmatch(r"[A-Za-z0-9.-]+(:[0-9]{1,5})?", through):
        raise typer.BadParameter(f"{through!r} is neither host nor host:port.", param_hint="--through")
    with refusals_explained():
        names = [name for node in _deployed(environment).chosen(nodes or []) for name in node.names]
    answers = ask_all(names, through=through, timeout_seconds=timeout_seconds)
    listing = Listing("host_names", ("host_name", "answer", "seconds", Column("fine", fit="json")))
    for answer in answers:
        listing.add(answer.name, Cell(answer.said, style="" if answer.fine else "red"), answer.seconds, answer.fine)
    console = new_console(stderr=as_json)
    show(listing, console=console, as_json=as_json)
    failed = [answer.name for answer in answers if not answer.fine]
    if failed:
        console.print(f"{len(failed)} of {len(answers)} host names failed.")
        raise typer.Exit(1)
    console.print(f"All {len(answers)} host names answer.")


def _deployed(environment: str) -> Deployed:
    from config.settings import ROOT
    from deployments.sync_storage.day2.deployed import Deployed
    from operations.aws import Aws

    return Deployed.find(ROOT, environment, Aws())


def _rotation(deployed: Deployed, console: Console, batch_size: int, dry_run: bool) -> Rotation:
    from deployments.sync_storage.day2.rotation import Rotation
    from deployments.sync_storage.day2.webheads import RunningWebheads

    return Rotation(deployed, RunningWebheads(deployed, console, batch_size=batch_size), console, dry_run=dry_run)


def _confirmation(confirmed: bool) -> Callable[[], bool]:
    """True when the token server has the file: as the operator has said, or answers when asked."""
    return lambda: confirmed or typer.confirm("Is it on the token server, and does that make tokens with it?")


def _token_server(url: str, *, ask: bool) -> TokenServerDatabase:
    from deployments.sync_storage.day2.token_server import PASSWORD_VARIABLE, TokenServerDatabase

    try:
        TokenServerDatabase.at(url, password="")
        password = os.environ.get(PASSWORD_VARIABLE)
        if password is None and ask:
            password = typer.prompt("Password of the token server's database", hide_input=True)
        return TokenServerDatabase.at(url, password=password or "")
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--token-server") from None
