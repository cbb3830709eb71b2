"""`quintet beaver rehearse`: the rehearsal with an operator's checkout, as a table of its steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console

from deployments.beaver_contest.day2.rehearsal.checks import steps_of
from operations.demo.check import Check
from operations.demo.demo import Demo
from operations.demo.rehearsals import Stage
from operations.demo.run_checks import run_checks
from operations.listing import Cell, Listing, show


def rehearse(console: Console, checkout: Path, environment: str) -> bool:
    """Apply the stack to an emulator of its own and play every step; whether none failed."""
    listing = Listing("steps", ("step", "answered", "failed"))
    failures = 0

    @contextmanager
    def rehearsal(stage: Stage) -> Iterator[Sequence[Check]]:
        nonlocal failures
        with steps_of(stage, checkout) as steps:
            for step in steps:
                passed, failed = run_checks([step], stage.context)
                failures += len(failed)
                listing.add(step.name, *_told(step, passed), Cell(tuple(failed), style="red"))
            yield (Check("steps", lambda _: f"{len(steps) - failures} of {len(steps)} succeeded"),)

    demo = Demo(patterns=("beaver-contest",), environment=environment, rehearsal_of=lambda _: rehearsal)
    fine = demo.run(console)
    show(listing, console=console, as_json=False)
    return fine and not failures


def _told(step: Check, passed: Sequence[str]) -> tuple[str]:
    return (passed[0].removeprefix(f"{step.name}: ") if passed else "",)
