"""The same work on several stacks at once, as many as the machine carries."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING

from operations.errors import OperatorError
from operations.terraform.processes import RunInterruptedError
from operations.terraform.progress import DONE, FAILED, StackProgress, shown
from operations.terraform.runs_at_once import runs_at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from rich.console import Console

    from operations.terraform.processes import Children


def side_by_side(
    lines: Sequence[StackProgress], work: Callable[[StackProgress], None], *, children: Children, console: Console
) -> None:
    """Do `work` for every line and show how it goes; an OperatorError becomes that line's failure, the others go on.

    Raises KeyboardInterrupt when it is stopped, after the processes have ended: the first Ctrl-C lets them finish what
    is under way, the second kills them.
    """

    def one(line: StackProgress) -> None:
        try:
            work(line)
        except OperatorError as error:
            line.failure = str(error)
        except RunInterruptedError:
            line.failure = f"{line.stack.name}: stopped."
        line.enter(FAILED if line.failure else DONE)

    with ThreadPoolExecutor(max_workers=runs_at_once()) as pool:
        begun: list[Future[None]] = []
        try:
            with shown(lines, console):
                begun += [pool.submit(one, line) for line in lines]
                wait(begun)
        except KeyboardInterrupt:
            console.print("Stopping in good order; Ctrl-C again stops at once.")
            children.interrupt()
            try:
                wait(begun)
            except KeyboardInterrupt:
                children.kill()
            raise
    for finished in begun:
        finished.result()
