"""`output.log` in the working directory: written without secrets, bounded in size, shown by its end."""

from __future__ import annotations

import logging
import logging.handlers
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

FILE_NAME = "output.log"
MAX_BYTES = 10 * 1024 * 1024
"""The size at which the file becomes `output.log.1`, and that one `output.log.2` …"""
OLD_FILES = 3
TAIL_BYTES = 64 * 1024


class Redaction:
    """Replaces secrets in texts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        # a secret shows as written, or as `repr` shows it in an error's message
        shapes = {shape for secret in secrets for shape in (secret, repr(secret)[1:-1]) if shape}
        self._shapes = sorted(shapes, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """The text with every secret replaced by asterisks."""
        for shape in self._shapes:
            text = text.replace(shape, "********")
        return text


class _RedactingFormatter(logging.Formatter):
    def __init__(self, redact: Redaction) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        return self._redact(super().format(record))


def open_log(directory: Path, redact: Redaction) -> None:
    """Send everything that is logged from now on to the file in `directory`, in place of where it went before."""
    handler = logging.handlers.RotatingFileHandler(
        directory / FILE_NAME, maxBytes=MAX_BYTES, backupCount=OLD_FILES, encoding="utf-8"
    )
    handler.setFormatter(_RedactingFormatter(redact))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def tail(directory: Path) -> str:
    """The last whole lines of the file, at most `TAIL_BYTES`; empty when there is none yet."""
    try:
        with (directory / FILE_NAME).open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - TAIL_BYTES))
            content = log.read(TAIL_BYTES)
    except FileNotFoundError:
        return ""
    if size > TAIL_BYTES:
        content = content.partition(b"\n")[2]
    return content.decode("utf-8", errors="replace")
