"""`quintet aquamark rehearse`: the demo of this one stack, with the operator's own Upmark if there is one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from deployments.aquamark.day2.rehearsal.checks import steps_of
from deployments.aquamark.day2.rehearsal.image import UpmarkCheckout
from deployments.aquamark.day2.site import DEPLOYMENT
from operations.demo.check import Check
from operations.demo.demo import Demo
from operations.demo.run_checks import run_checks
from operations.listing import Cell, Listing, show

if TYPE_CHECKING:
    from rich.console import Console

    from operations.demo.rehearsals import Stage


def play(console: Console, environment: str, version: str | None, checkout: Path | None) -> bool:
    """Apply the stack to an emulator of its own and play every step; whether none failed.

    Raises OperatorError when the checkout lacks its packages or the demo cannot begin.
    """
    upmark = None if checkout is None else UpmarkCheckout(checkout)
    listing = Listing("steps", ("step", "answered", "failed"))
    failures = 0

    @contextmanager
    def rehearsal(stage: Stage) -> Iterator[Sequence[Check]]:
        nonlocal failures
        with steps_of(stage, version, upmark) as steps:
            for step in steps:
                passed, failed = run_checks([step], stage.context)
                failures += len(failed)
                listing.add(step.name, "".join(passed).removeprefix(f"{step.name}: "), Cell(tuple(failed), style="red"))
            yield (Check("steps", lambda _: f"{len(steps) - failures} of {len(steps)} succeeded"),)

    demo = Demo((f"{DEPLOYMENT}-{environment}",), environment, rehearsal_of=lambda _: rehearsal)
    fine = demo.run(console)
    show(listing, console=console, as_json=False)
    return fine and not failures
