"""Text files, programs' output and the terminal as UTF-8, whatever the locale says."""

from __future__ import annotations

import locale
import os
import sys


def use_utf8() -> None:
    """Start this program again in Python's UTF-8 mode, which its children inherit, where the locale is another."""
    if not sys.flags.utf8_mode and locale.getencoding().lower() != "utf-8":
        os.environ["PYTHONUTF8"] = "1"
        sys.stdout.flush()
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - the program that runs already
