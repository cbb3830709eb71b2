"""`quintet aquamark`: day-2 work on Aquamark."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from operations.commands.factory import new_app
from operations.commands.options import DEFAULT_ENVIRONMENT, DryRunOption, EnvironmentOption, JsonOption
from operations.commands.restore_database import AllowMoreOption, add_restore
from operations.console import new_console
from operations.listing import Cell, Listing, show

if TYPE_CHECKING:
    from deployments.aquamark.day2.site import Site
    from operations.restore.database import RestoredApplication

app = new_app("Day-2 work on Aquamark.")


def _site(environment: str) -> Site:
    from deployments.aquamark.day2.site import Site

    return Site(environment)


@app.command()
def upgrade(
    version: Annotated[str | None, typer.Argument(help="The tag of an image in the repository.")] = None,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    rollback: Annotated[bool, typer.Option("--rollback", help="Go back to the version before this one.")] = False,
    allow_more: AllowMoreOption = False,
    dry_run: DryRunOption = False,
    timeout_minutes: Annotated[float, typer.Option(help="How long each wait may take.", min=1, max=600)] = 30,
) -> None:
    """Migrates the schema, puts a new web fleet beside the old one, removes that, then replaces the daemons.

    Cut off at any moment, it goes on when it is run again.
    """
    from deployments.aquamark.day2.upgrade import Upgrade
    from operations.state.one_operator import one_operator

    if rollback == (version is not None):
        raise typer.BadParameter("say a VERSION or --rollback, one of them")
    site = _site(environment)
    asked = Upgrade(
        site,
        version=version,
        rollback=rollback,
        allow_more=allow_more,
        dry_run=dry_run,
        timeout_seconds=timeout_minutes * 60,
    )
    with one_operator(site.aws, site.stack(), "upgrade", dry_run=dry_run):
        asked.run(new_console(steady=True))


@app.command()
def migrate(
    version: Annotated[str | None, typer.Argument(help="An image's tag; the one that runs when left out.")] = None,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    dry_run: DryRunOption = False,
) -> None:
    """Runs the image's migrations in a one-off container that has the environment file; safe to run again."""
    from deployments.aquamark.day2.database import SiteDatabase

    if dry_run:
        typer.echo(f"Would run alembic upgrade head of {version or 'the version that runs'} on the daemon host.")
        return
    from operations.state.one_operator import one_operator

    site = _site(environment)
    with one_operator(site.aws, site.stack(), "migrate"):
        SiteDatabase(site).migrate(version, new_console())


@app.command()
def rotate_storage_key(environment: EnvironmentOption = DEFAULT_ENVIRONMENT, dry_run: DryRunOption = False) -> None:
    """Makes the key attachments are stored with, hands it to every host, removes the one before it."""
    from deployments.aquamark.day2.storage_key import StorageKey
    from operations.state.one_operator import one_operator

    site = _site(environment)
    with one_operator(site.aws, site.stack(), "rotate-storage-key", dry_run=dry_run):
        StorageKey(site, dry_run=dry_run).rotate(new_console())


@app.command()
def database_login(environment: EnvironmentOption = DEFAULT_ENVIRONMENT, dry_run: DryRunOption = False) -> None:
    """Makes the application's login to the database, or gives it a new password, and has every host use it."""
    from deployments.aquamark.day2.database import SiteDatabase

    if dry_run:
        typer.echo("Would set a new password of the application's login and restart the containers, host by host.")
        return
    from operations.state.one_operator import one_operator

    site = _site(environment)
    with one_operator(site.aws, site.stack(), "database-login"):
        SiteDatabase(site).make_login(new_console())


@app.command()
def smtp_login(
    username: Annotated[str, typer.Argument(help="The login at the mail server.")],
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    dry_run: DryRunOption = False,
) -> None:
    """Keeps the daemons' login to the mail server; asks for the password. Hosts read it within a quarter of an hour."""
    from deployments.aquamark.day2.database import SiteDatabase

    if dry_run:
        typer.echo(f"Would keep the login of {username} in the secret of {environment}.")
        return
    password = typer.prompt("Password", hide_input=True)
    from operations.state.one_operator import one_operator

    site = _site(environment)
    with one_operator(site.aws, site.stack(), "smtp-login"):
        SiteDatabase(site).keep_smtp_login(username, password)
    typer.echo("Kept.")


@app.command()
def snapshot(
    name: Annotated[str | None, typer.Argument(help="Its name; by default after the database and now.")] = None,
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    dry_run: DryRunOption = False,
) -> None:
    """Takes a snapshot of the database that stays until somebody deletes it."""
    from deployments.aquamark.day2.database import SiteDatabase

    if dry_run:
        typer.echo(f"Would take the snapshot {name or 'called after the database and now'} and wait for it.")
        return
    SiteDatabase(_site(environment)).snapshot(name, new_console())


def _restored(environment: str) -> RestoredApplication:
    from deployments.aquamark.day2.restore import RestoredAquamark

    return RestoredAquamark(_site(environment))


add_restore(
    app,
    _restored,
    meanwhile="While the instances change their names the application has no database: some minutes. What was written "
    "since the snapshot stays in the old instance only.",
)


@app.command()
def dump(
    file: Annotated[Path, typer.Argument(help="Where to put it.", dir_okay=False)],
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    dry_run: DryRunOption = False,
) -> None:
    """Dumps the database from inside the network, in pg_dump's own format, and fetches the dump."""
    from deployments.aquamark.day2.database import SiteDatabase

    if dry_run:
        typer.echo(f"Would have the daemon host write a dump into the bucket of dumps, and fetch it to {file}.")
        return
    SiteDatabase(_site(environment)).dump(file, new_console())


@app.command()
def connect(
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    port: Annotated[int, typer.Option(help="The port of this machine.", min=1024, max=65535)] = 15432,
    web: Annotated[bool, typer.Option("--web", help="To a web server in place of the database.")] = False,
    dry_run: DryRunOption = False,
) -> None:
    """Opens a port of this machine to the database, or a web server, through Session Manager; Ctrl-C closes it."""
    import os
    import shlex

    from deployments.aquamark.day2.database import SiteDatabase, check_programs

    command = SiteDatabase(_site(environment)).port_forward(port, web=web)
    if dry_run:
        typer.echo(shlex.join(command))
        return
    check_programs()
    typer.echo(f"http://127.0.0.1:{port}/" if web else f"psql --host=127.0.0.1 --port={port} --username=aquamark")
    os.execvp(command[0], command)  # noqa: S606 - Ctrl-C is for the session


@app.command()
def mail_test(environment: EnvironmentOption = DEFAULT_ENVIRONMENT, dry_run: DryRunOption = False) -> None:
    """Has both daemons send a test mail, with the settings they run with."""
    if dry_run:
        typer.echo("Would have both daemons send a mail to mail.error_send_to.")
        return
    from operations.aws import refusals_explained

    with refusals_explained():
        typer.echo(_site(environment).task("mail-test", what="the test mails"))


@app.command()
def check(
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    url: Annotated[str | None, typer.Option(help="Ask here in place of the stack's own address.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Looks whether all is well: /ping, the default login, one version, daemons, key, database. Changes nothing."""
    from deployments.aquamark.day2.check import SiteCheck

    findings = SiteCheck(_site(environment), url).run()
    listing = Listing("checks", ("fine", "name", "found"))
    for finding in findings:
        fine = Cell(finding.fine, "ok" if finding.fine else "FAILED", style="" if finding.fine else "red")
        listing.add(fine, finding.name, finding.said)
    show(listing, console=new_console(), as_json=as_json)
    if not all(finding.fine for finding in findings):
        raise typer.Exit(1)


@app.command()
def rehearse(
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    checkout: Annotated[
        Path | None,
        typer.Option(
            help="A checkout of Upmark with its packages in local/; without, stand-ins play its programs.",
            file_okay=False,
            exists=True,
            show_default=False,
        ),
    ] = None,
    version: Annotated[
        str | None,
        typer.Option(help="The tag of the image; by default a release that fits the settings.", show_default=False),
    ] = None,
) -> None:
    """Plays the first installation through on this machine: logins, key, upgrade, web servers, daemons, sign-in.

    Needs no AWS account: the committed stack is applied to the emulator. Exit code 1 when a step fails.
    """
    from deployments.aquamark.day2.rehearsal.command import play

    if not play(new_console(), environment, version, checkout):
        raise typer.Exit(1)


@app.command()
def check_default_login(
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    url: Annotated[str | None, typer.Option(help="Ask here in place of the stack's own address.")] = None,
) -> None:
    """Fails while admin may sign in with the password admin, which the first start of Aquamark makes."""
    from deployments.aquamark.day2.admin_login import default_login_works

    address = url or _site(environment).outputs().url
    if default_login_works(address):
        typer.echo(f"admin signs in at {address} with the password admin: change it now.", err=True)
        raise typer.Exit(1)
    typer.echo("admin with the password admin is turned away.")
