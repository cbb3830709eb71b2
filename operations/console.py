"""The console of every command. Text is printed as it is: no markup, no emoji codes, no highlighting."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console


def new_console(*, stderr: bool = False, file: IO[str] | None = None, width: int | None = None) -> Console:
    """A console for a command's output; `stderr` for what stands beside it, `file` in place of both.

    Rich leaves colours out where NO_COLOR is set or nobody looks at a terminal.
    """
    from rich.console import Console

    return Console(stderr=stderr, file=file, width=width, markup=False, emoji=False, highlight=False, soft_wrap=True)


def printable(text: str) -> str:
    r"""The text with each control character replaced, so that it cannot command a terminal.

    >>> printable("done\x1b[2J\tfine")
    'done�[2J\tfine'
    """
    return "".join(letter if letter.isprintable() or letter == "\t" else "�" for letter in text)
