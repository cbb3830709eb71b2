"""The request for the password of now: a file in the working directory, whose changes systemd watches."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "refresh-requested"
SECONDS_BETWEEN = 60
"""A password that stays wrong asks Secrets Manager no more often."""
_log = logging.getLogger("suaicloudapp")


def request_refresh(directory: Path) -> None:
    """Write the file anew, unless that was done less than a minute ago, by this process or the one before it."""
    file = directory / FILE_NAME
    try:
        since = time.time() - file.stat().st_mtime
    except FileNotFoundError:
        since = SECONDS_BETWEEN
    if 0 <= since < SECONDS_BETWEEN:
        return
    try:
        file.write_text("The database refused the password of config.toml.\n", encoding="utf-8")
    except OSError as error:
        _log.warning("%s cannot be written: %s", file, error.strerror)
        return
    _log.info("the database refused the password: asked for the one that is valid now")
