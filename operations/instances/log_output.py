"""Options and output of `logs` commands: how far to look back, and the lines they print."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from operations.aws import Aws

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

Since = Annotated[str, typer.Option(help="How far to look back: 90s, 15m, 2h, 3d")]
Follow = Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")]


def time_span(text: str, option: str) -> timedelta:
    """`90s`, `15m`, `2h` or `3d`. Raises typer.BadParameter about `option` for anything else."""
    found = re.fullmatch(r"([1-9][0-9]{0,5})([smhd])", text)
    if found is None:
        raise typer.BadParameter(f"{text!r} is no time span: 90s, 15m, 2h or 3d.", param_hint=option)
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def print_log(find: Callable[[], tuple[Aws, str, str]], *, since: str, follow: bool) -> None:
    """Prints the events of the log group that `find` gives, with AWS and the region, or that there are none.

    Ctrl-C ends it. Raises typer.BadParameter before anything is looked for, OperatorError when AWS refuses.
    """
    from operations.aws import refusals_explained
    from operations.instances.log_events import log_events

    beginning = datetime.now(UTC) - time_span(since, "--since")
    number = 0
    try:
        with refusals_explained():
            aws, group, region = find()
            for event in log_events(aws, group, region=region, since=beginning, follow=follow):
                typer.echo(str(event))
                number += 1
    except KeyboardInterrupt:
        return
    if not number:
        typer.echo(f"Nothing in {group} for {since}.", err=True)
