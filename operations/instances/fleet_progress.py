"""How an instance refresh is shown while it runs."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from operations.instances.fleet import Refresh


@contextmanager
def shown(console: Console, group: str) -> Iterator[Callable[[Refresh], None]]:
    """Yields what takes each look at a refresh: a live bar, or on what is no terminal a line for every change."""
    if not console.is_terminal:
        said = ""

        def say(refresh: Refresh) -> None:
            nonlocal said
            if str(refresh) != said:
                said = str(refresh)
                console.print(f"  {said}")

        yield say
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console, transient=True) as progress:
        task = progress.add_task(group, total=100)

        def draw(refresh: Refresh) -> None:
            detail = f"{group}: {refresh.status}" + (f", {refresh.reason}" if refresh.reason else "")
            progress.update(task, completed=refresh.percent, description=detail)

        yield draw
