"""How a demo is shown while it runs, and what is said of it in the end."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from operations.listing import Cell, Listing
from operations.terraform.longest_chain import Chain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from operations.stacks import Stack

WAITING, DONE, FAILED = "waiting", "done", "failed"


@dataclass
class StackProgress:
    """Where one stack stands; written by the thread that works on it, read by the display."""

    stack: Stack
    console: Console
    phase: str = WAITING
    total: int = 0
    finished: int = 0
    resources: int = 0
    second_plan: str = "–"
    checks: str = "–"
    left_out: str = ""
    """Steps that were not tried, and why."""
    destroyed: str = "–"
    longest_chain: Chain = field(default_factory=Chain)
    """The chain of the apply."""
    failure: str = ""
    started: float = field(default_factory=time.monotonic)
    ended: float | None = None

    def enter(self, phase: str, total: int = 0) -> None:
        """The stack is in `phase` now, with so many resources to work on."""
        if self.phase == WAITING:
            self.started = time.monotonic()
        self.phase, self.total, self.finished = phase, total, 0
        self.ended = time.monotonic() if phase in (DONE, FAILED) else None
        if not self.console.is_terminal:
            amount = f" ({total})" if total else ""
            self.console.print(f"{self.stack.name}: {phase}{amount}, {self.seconds:.0f} s")

    @property
    def seconds(self) -> float:
        """Seconds since work on the stack began, or that it took."""
        if self.phase == WAITING:
            return 0.0
        return (self.ended or time.monotonic()) - self.started


@contextmanager
def shown(stacks: Sequence[StackProgress], console: Console) -> Iterator[None]:
    """Show one line per stack as long as the block runs; on what is no terminal each phase prints a line instead."""
    if not console.is_terminal:
        yield
        return
    spinners = {line.stack.name: Spinner("dots") for line in stacks}

    def table() -> RenderableType:
        grid = Table.grid(padding=(0, 2))
        for line in stacks:
            working = line.phase not in (WAITING, DONE, FAILED)
            mark: RenderableType = spinners[line.stack.name] if working else _mark(line.phase)
            amount = f"{line.finished}/{line.total}" if line.total else ""
            grid.add_row(mark, line.stack.name, line.phase, amount, f"{line.seconds:.0f} s" if line.seconds else "")
        return Group(grid)

    with Live(get_renderable=table, console=console, refresh_per_second=5, transient=True):
        yield


def summarise(stacks: Sequence[StackProgress], console: Console, *, destroy: bool) -> None:
    """Print one table over all stacks, and below it what was left out and why any of them failed."""
    columns = ("stack", "resources", "seconds", "second_plan", "checks", *(["destroy"] if destroy else []))
    listing = Listing("stacks", columns)
    for line in stacks:
        name = Cell(line.stack.name, style="red" if line.failure else "")
        destroyed = [line.destroyed] if destroy else []
        listing.add(name, line.resources, round(line.seconds), line.second_plan, line.checks, *destroyed)
    console.print(listing)
    for line in stacks:
        if line.left_out:
            console.print(f"{line.stack.name}: {line.left_out}")
    for line in stacks:
        if line.failure:
            console.print(f"\n{line.failure}", style="red")


def _mark(phase: str) -> Text:
    return {DONE: Text("✓", "green"), FAILED: Text("✗", "red")}.get(phase, Text(" "))
