"""Untrusted text made fit to be shown: nothing in it commands a terminal, reorders a line or fills a page."""

from __future__ import annotations


def visible(text: str, *, lines: bool = False) -> str:
    r"""The text with every character that does not print, tabs aside, as an escape; `lines` keeps line ends.

    >>> visible("a\x1b[2J\u202eb\x85\tc\n")
    'a\\x1b[2J\\u202eb\\x85\tc\\n'
    """
    if text.isprintable():
        return text
    kept = "\n\t" if lines else "\t"
    return "".join(sign if sign.isprintable() or sign in kept else _escape(sign) for sign in text)


def _escape(sign: str) -> str:
    code = ord(sign)
    if sign in "\n\r":
        return "\\n" if sign == "\n" else "\\r"
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def shortened(text: str, length: int) -> str:
    """`text`, cut in the middle when it is longer than `length`, with how much is left out."""
    if len(text) <= length:
        return text
    half = length // 2
    return f"{text[:half]} … {len(text) - 2 * half} more characters … {text[-half:]}"
