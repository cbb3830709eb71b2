"""The console of every command. Text is printed as it is: no markup, no emoji codes, no highlighting."""

from __future__ import annotations

import os
import sys
from typing import IO, TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    from rich.console import Console


def new_console(
    *, stderr: bool = False, file: IO[str] | None = None, width: int | None = None, steady: bool = False
) -> Console:
    """A console for a command's output; `stderr` for what stands beside it, `file` in place of both.

    `steady` is for commands that change something: a reader that has gone or a full disk does not end them.
    Rich leaves colours out where NO_COLOR is set or nobody looks at a terminal.
    """
    from rich.console import Console

    file = cast("IO[str]", _SteadyOutput()) if steady else file
    return Console(stderr=stderr, file=file, width=width, markup=False, emoji=False, highlight=False, soft_wrap=True)


def printable(text: str) -> str:
    r"""The text with each control character replaced, so that it cannot command a terminal.

    >>> printable("done\x1b[2J\tfine")
    'done�[2J\tfine'
    """
    return "".join(letter if letter.isprintable() or letter == "\t" else "�" for letter in text)


class _SteadyOutput:
    """Standard output until it fails; nothing is written from then on."""

    def write(self, text: str) -> int:
        try:
            return sys.stdout.write(text)
        except (OSError, ValueError):
            _give_up_output()
            return len(text)

    def flush(self) -> None:
        try:
            sys.stdout.flush()
        except (OSError, ValueError):
            _give_up_output()

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stdout, name)


def _give_up_output() -> None:
    # What is still buffered goes nowhere as well: Python would fail with it when it ends.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
