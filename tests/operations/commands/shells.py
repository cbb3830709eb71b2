"""Interactive shells on a terminal of their own, to which tests type."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

_CONTROL = re.compile(r"\x1b(\[[0-9;?>=]*[A-Za-z]|\][^\x07]*\x07|[()][AB0]|[=>78])|\r")


class Shell:
    """A shell that has started and waits; leaving the block ends it."""

    def __init__(self, command: Sequence[str], *, environment: Mapping[str, str], folder: Path) -> None:
        self._pid, self._terminal = pty.fork()
        if self._pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], list(command), dict(environment))
        self.type("echo rea''dy\n")
        self.wait_for("ready")

    def type(self, text: str) -> None:
        """Sends what an operator types."""
        os.write(self._terminal, text.encode())

    def wait_for(self, wanted: str, seconds: float = 60) -> str:
        """The screen's text since the last wait, once `wanted` stands in it. Raises AssertionError when it does not."""
        said = ""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if select.select([self._terminal], [], [], 0.1)[0]:
                try:
                    said += os.read(self._terminal, 65536).decode(errors="replace")
                except OSError:
                    break
            if wanted in _CONTROL.sub("", said):
                return _CONTROL.sub("", said)
        raise AssertionError(f"{wanted!r} does not stand in:\n{_CONTROL.sub('', said)}")

    def __enter__(self) -> Shell:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)
        os.close(self._terminal)
