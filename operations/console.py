"""Text of others, made fit to be printed."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""The text without anything that would command a terminal.

    >>> printable("done\x1b[2J\tfine")
    'done�[2J\tfine'
    """
    return "".join(letter if letter.isprintable() or letter == "\t" else "�" for letter in text)
