"""How a demo is shown while it runs, and what is said of it in the end."""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner
from rich.table import Table

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
    """What was not tried, and why."""
    destroyed: str = "–"
    failure: str = ""
    started: float = field(default_factory=time.monotonic)
    ended: float | None = None

    def enter(self, phase: str, total: int = 0) -> None:
        """The stack is in `phase` now, with so many resources to work on."""
        if self.phase == WAITING:
            self.started = time.monotonic()
        self.phase, self.total, self.finished = phase, total, 0
        if phase in (DONE, FAILED):
            self.ended = time.monotonic()
        if not self.console.is_terminal:
            amount = f" ({total})" if total else ""
            self.console.print(f"{self.stack.name}: {phase}{amount}, {self.seconds:.0f} s", highlight=False)

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
    table = Table()
    table.add_column("stack", no_wrap=True)
    for column in ("resources", "seconds", "second plan", "checks", *(["destroy"] if destroy else [])):
        table.add_column(column)
    for line in stacks:
        destroyed = [line.destroyed] if destroy else []
        name = f"[red]{line.stack.name}[/]" if line.failure else line.stack.name
        table.add_row(name, str(line.resources), f"{line.seconds:.0f}", line.second_plan, line.checks, *destroyed)
    console.print(table)
    for line in stacks:
        if line.left_out:
            console.print(f"{line.stack.name}: {escape(line.left_out)}", highlight=False, soft_wrap=True)
    for line in stacks:
        if line.failure:
            console.print(f"\n[red]{escape(line.failure)}[/]", highlight=False, soft_wrap=True)


def _mark(phase: str) -> str:
    return {DONE: "[green]✓[/]", FAILED: "[red]✗[/]"}.get(phase, " ")
