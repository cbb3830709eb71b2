"""`quintet suai`: publish the SUAI Cloud App, see whether it works."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from operations.commands.factory import new_app
from operations.commands.options import DEFAULT_ENVIRONMENT, DryRunOption, EnvironmentOption, JsonOption
from operations.commands.restore_database import add_restore
from operations.console import new_console
from operations.listing import Cell, Column, Listing, show

if TYPE_CHECKING:
    from deployments.suai_cloud_app.day2.rollout import RefreshPolicy
    from operations.restore.database import RestoredApplication

app = new_app("Day-2 work on the SUAI Cloud App.")


@app.command()
def publish(
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    executable: Annotated[
        Path | None,
        typer.Option(
            "--app",
            help="Your own executable; without it, the one the settings name, else that of this repository is built.",
            exists=True,
            dir_okay=False,
            readable=True,
        ),
    ] = None,
    version: Annotated[
        str | None,
        typer.Option(help="A published version to go (back) to, or with --app or --build the name of a new one."),
    ] = None,
    build: Annotated[bool, typer.Option("--build", help="Build the application, and call it --version.")] = False,
    dry_run: DryRunOption = False,
    refresh: Annotated[
        bool | None,
        typer.Option(
            "--refresh/--no-refresh",
            help="Replace the instances in any case, or leave them alone; by default those launched before the switch"
            " make it necessary.",
            show_default=False,
        ),
    ] = None,
    timeout_minutes: Annotated[
        float, typer.Option(help="How long replacing the instances may take.", min=1, max=2880)
    ] = 60,
) -> None:
    """Uploads the application, makes it the current release at once, and replaces the instances one after another.

    Safe to run again. When the instances cannot be replaced, the release before is the current one again.
    """
    from config.settings import ROOT
    from deployments.suai_cloud_app.day2.publish import ReleasePublication, executable_in_settings
    from deployments.suai_cloud_app.day2.releases import VERSION

    if version is not None and not VERSION.fullmatch(version):
        raise typer.BadParameter(
            f"{version!r} is no version: up to 64 letters, digits, dots, dashes and underscores; not 'current'.",
            param_hint="--version",
        )
    if executable and build:
        raise typer.BadParameter("Give --build or --app, not both.", param_hint="--build")
    if not executable and not version and not build:
        executable = executable_in_settings(environment)
    policy: dict[bool | None, RefreshPolicy] = {None: "when needed", True: "always", False: "never"}
    asked = ReleasePublication(
        environment=environment,
        app=executable,
        version=version,
        build=build,
        refresh=policy[refresh],
        dry_run=dry_run,
        timeout_seconds=timeout_minutes * 60,
        root=ROOT,
    )
    asked.run(new_console())


@app.command()
def releases(environment: EnvironmentOption = DEFAULT_ENVIRONMENT, as_json: JsonOption = False) -> None:
    """Lists what is published, the newest first, and which release instances fetch when they boot."""
    from config.settings import ROOT
    from deployments.suai_cloud_app.day2.releases import DEPLOYMENT, Releases
    from deployments.suai_cloud_app.outputs import SuaiCloudAppOutputs
    from operations.applied import find_applied
    from operations.aws import Aws, refusals_explained

    aws = Aws()
    applied = find_applied(ROOT, DEPLOYMENT, environment, aws)
    with refusals_explained():
        found = Releases(aws, applied.stack, applied.read(SuaiCloudAppOutputs))
        published, pointer = found.all(), found.current()
    current = pointer.release.version if pointer and pointer.release else None
    previous = pointer.previous if pointer else None
    listing = Listing("releases", ("version", "published", "bytes", "standing"))
    for release in published:
        standing = "current" if release.version == current else "before" if release.version == previous else None
        listing.add(release.version, release.at, release.size_bytes, Cell(standing, standing or ""))
    console = new_console(stderr=as_json)
    if published or as_json:
        show(listing, console=console, as_json=as_json)
    else:
        console.print(f"Nothing is published yet: quintet suai publish --environment {environment}")
    if pointer and pointer.release is None:
        console.print(f"{found.pointer_address} is unreadable for instances; publish a release to mend it.")


@app.command("database-user")
def database_user(
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    new_password: Annotated[bool, typer.Option("--new-password", help="Give the user another password.")] = False,
    dry_run: DryRunOption = False,
) -> None:
    """Makes the database user that the application signs in as, with a password that only its secret holds.

    Safe to run again: secret and database agree afterwards.
    """
    from config.settings import ROOT
    from deployments.suai_cloud_app.day2.database_user import database_user as user_of
    from deployments.suai_cloud_app.day2.releases import DEPLOYMENT
    from deployments.suai_cloud_app.outputs import SuaiCloudAppOutputs
    from operations.applied import find_applied
    from operations.aws import Aws, refusals_explained
    from operations.state.one_operator import one_operator

    aws, console = Aws(), new_console()
    with refusals_explained():
        applied = find_applied(ROOT, DEPLOYMENT, environment, aws)
        user = user_of(aws, applied.stack, applied.read(SuaiCloudAppOutputs))
        with one_operator(aws, applied.stack, "database-user", dry_run=dry_run):
            if dry_run:
                console.print(user.would_make(new_password=new_password))
                return
            console.print(f"{user.make(new_password=new_password)}.")
    if new_password:
        console.print("Instances fetch it at the first /database that fails, or within 20 minutes.")


@app.command("redis-auth")
def redis_auth(
    environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
    finish: Annotated[
        bool, typer.Option("--finish", help="Take no other token any more; 20 minutes or more after the first run.")
    ] = False,
) -> None:
    """Gives Redis a new AUTH token, which the application reads from its secret; then, with --finish, only that one.

    Safe to interrupt: run it again to resume.
    """
    from config.settings import ROOT
    from deployments.suai_cloud_app.day2.redis_auth import RedisAuth
    from deployments.suai_cloud_app.day2.releases import DEPLOYMENT
    from deployments.suai_cloud_app.outputs import SuaiCloudAppOutputs
    from operations.applied import find_applied
    from operations.aws import Aws, refusals_explained
    from operations.errors import OperatorError
    from operations.state.one_operator import one_operator

    aws = Aws()
    applied = find_applied(ROOT, DEPLOYMENT, environment, aws)
    outputs = applied.read(SuaiCloudAppOutputs)
    if outputs.redis_secret_arn is None:
        raise OperatorError(
            f"Redis of {applied.stack.name} speaks without TLS, and takes no token without it.",
            hint="Leave redis.transit_encryption_enabled and its reason out of the settings, and apply.",
        )
    auth = RedisAuth(
        aws.client("elasticache", region=applied.stack.region),
        aws.client("secretsmanager", region=applied.stack.region),
        outputs.redis_group,
        outputs.redis_secret_arn,
        new_console().print,
    )
    with refusals_explained(), one_operator(aws, applied.stack, "redis-auth"):
        auth.finish() if finish else auth.add()
    if not finish:
        new_console().print(f"After that: quintet suai redis-auth --environment {environment} --finish")


def _restored(environment: str) -> RestoredApplication:
    from config.settings import ROOT
    from deployments.suai_cloud_app.day2.restore import RestoredSuai
    from operations.aws import Aws

    return RestoredSuai.applied(ROOT, environment, Aws())


add_restore(
    app,
    _restored,
    meanwhile="While the instances change their names the application has no database: some minutes. What was written "
    "since then stays in the old instance only.",
)


@app.command()
def check(
    url: Annotated[str, typer.Argument(help="Where the application answers: the stack's output url")],
    timeout_seconds: Annotated[float, typer.Option(help="How long all pages together may take.", min=0.1)] = 20,
    as_json: JsonOption = False,
) -> None:
    """Asks for every page and compares what it says with what the document promises."""
    from deployments.suai_cloud_app.day2.pages import address, ask_pages

    try:
        base = address(url)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="URL") from None
    pages = ask_pages(base, timeout_seconds=timeout_seconds)
    listing = Listing("pages", ("page", "expected", "answer", "seconds", Column("fine", fit="json")), title=base)
    for page in pages:
        answer = Cell(page.answer, style="" if page.fine else "red")
        listing.add(page.path, page.expected or "a page", answer, page.seconds, page.fine)
    console = new_console(stderr=as_json)
    show(listing, console=console, as_json=as_json)
    failed = [page.path for page in pages if not page.fine]
    if failed:
        console.print(f"{len(failed)} of {len(pages)} pages failed: {', '.join(failed)}")
        raise typer.Exit(1)
    console.print(f"All {len(pages)} pages answer as documented.")
