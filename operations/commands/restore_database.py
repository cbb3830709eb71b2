"""The command `restore` of a deployment's database: its options, and the restore that they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from operations.commands.options import DEFAULT_ENVIRONMENT, DryRunOption, EnvironmentOption

if TYPE_CHECKING:
    from collections.abc import Callable

    from operations.restore.database import RestoredApplication
    from operations.restore.source import Source

SnapshotArgument = Annotated[
    str | None,
    typer.Argument(
        help="Any snapshot: yours, RDS's own (rds:…) or AWS Backup's (awsbackup:… or its ARN).",
        show_default=False,
    ),
]
TimeOption = Annotated[
    str | None, typer.Option("--to", help="A time with its zone, or: latest. In place of a snapshot.")
]
AgainOption = Annotated[bool, typer.Option("--again", help="Restore anew what was restored last.")]
AbandonOption = Annotated[bool, typer.Option("--abandon", help="Give up a restore before its switch.")]
AllowMoreOption = Annotated[
    bool, typer.Option("--allow-more", help="Apply what else the plan changes, such as earlier edits of settings.")
]
WaitOption = Annotated[float, typer.Option(help="How long each wait may take.", min=1, max=2880)]
WAIT_MINUTES = 240


def add_restore(
    app: typer.Typer,
    application: Callable[[str], RestoredApplication],
    *,
    meanwhile: str,
    of_cluster: bool = False,
) -> None:
    """Give a deployment its command `restore`.

    `application` is what is restored in an environment, looked up when the command runs; `meanwhile` tells what users
    notice, and what becomes of what was written since then.
    """
    restored = "cluster" if of_cluster else "instance"

    @app.command(
        help=f"Restores the database into a new {restored}, looks into it, then puts it in the place of the old one,"
        f" which stays.\n\n{meanwhile} Safe to interrupt: run it again to resume."
    )
    def restore(
        snapshot: SnapshotArgument = None,
        environment: EnvironmentOption = DEFAULT_ENVIRONMENT,
        to: TimeOption = None,
        again: AgainOption = False,
        abandon: AbandonOption = False,
        allow_more: AllowMoreOption = False,
        dry_run: DryRunOption = False,
        timeout_minutes: WaitOption = WAIT_MINUTES,
    ) -> None:
        restore_database(
            lambda: application(environment),
            snapshot,
            to,
            again=again,
            abandon=abandon,
            allow_more=allow_more,
            dry_run=dry_run,
            timeout_minutes=timeout_minutes,
            of_cluster=of_cluster,
        )


def restore_database(
    application: Callable[[], RestoredApplication],
    snapshot: str | None,
    to: str | None,
    *,
    again: bool,
    abandon: bool,
    allow_more: bool,
    dry_run: bool,
    timeout_minutes: float,
    of_cluster: bool = False,
) -> None:
    """Restore the database, or give that up; its sources are an instance's unless they are `of_cluster`.

    Raises OperatorError, and BadParameter unless one source is named.
    """
    from operations.console import new_console
    from operations.restore.cluster_source import ClusterMoment, ClusterSnapshot
    from operations.restore.database import DatabaseRestore
    from operations.restore.source import Moment, Snapshot

    if [snapshot is not None, to is not None, abandon].count(True) != 1:
        raise typer.BadParameter("say a SNAPSHOT, --to TIME or --abandon, one of them")
    source: Source  # refused before AWS is asked for the stack
    if to:
        source = (ClusterMoment if of_cluster else Moment).of(to)
    else:
        source = (ClusterSnapshot if of_cluster else Snapshot).of(snapshot or "")
    asked = DatabaseRestore(
        application(),
        source,
        again=again,
        allow_more=allow_more,
        dry_run=dry_run,
        timeout_seconds=timeout_minutes * 60,
    )
    if abandon:
        asked.abandon(new_console(steady=True))
    else:
        asked.run(new_console(steady=True))
