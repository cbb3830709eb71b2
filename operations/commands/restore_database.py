"""The command `restore` of a deployment's database: its options, and the restore that they ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

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
    snapshots: Callable[[str], Source] | None = None,
    moments: Callable[[str], Source] | None = None,
) -> None:
    """Restore the database, or give that up; `snapshots` and `moments` are those of instances unless given.

    Raises OperatorError, and BadParameter unless one source is named.
    """
    from operations.console import new_console
    from operations.restore.database import DatabaseRestore
    from operations.restore.source import Moment, Snapshot

    if [snapshot is not None, to is not None, abandon].count(True) != 1:
        raise typer.BadParameter("say a SNAPSHOT, --to TIME or --abandon, one of them")
    source = (
        (moments or Moment.of)(to) if to else (snapshots or Snapshot.of)(snapshot or "")
    )  # refused before AWS is asked for the stack
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
