"""Arguments and environments of all processes that this machine's account runs while something is watched."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_SECONDS = 0.05
_PROCESSES = Path("/proc")


class Processes:
    """Sees what this program starts, and by looking again and again what others start in turn."""

    def __init__(self) -> None:
        self.arguments: set[str] = set()
        self.environments: set[str] = set()
        self._looking = False
        self._stop = threading.Event()

    @contextlib.contextmanager
    def watched(self) -> Iterator[None]:
        """Watch for as long as the block runs."""
        sys.addaudithook(self._started)  # it cannot be removed, and does nothing later
        thread = threading.Thread(target=self._look)
        self._looking = True
        thread.start()
        try:
            yield
        finally:
            self._looking = False
            self._stop.set()
            thread.join()

    def texts(self) -> Iterator[tuple[str, str]]:
        """Each argument list and each variable, with its place."""
        yield from (("arguments of a process", text) for text in self.arguments)
        yield from ((f"variable {text.partition('=')[0]} of a process", text) for text in self.environments)

    def _started(self, event: str, details: tuple[Any, ...]) -> None:
        if not self._looking or event != "subprocess.Popen":
            return
        _, arguments, _, environment = details
        listed = [arguments] if isinstance(arguments, str | bytes) else arguments
        self.arguments.add(" ".join(os.fsdecode(one) for one in listed))
        given = os.environ if environment is None else environment
        self.environments.update(f"{os.fsdecode(name)}={os.fsdecode(value)}" for name, value in given.items())

    def _look(self) -> None:
        while not self._stop.wait(_SECONDS):
            for process in _PROCESSES.glob("[0-9]*"):
                with contextlib.suppress(OSError):
                    if process.stat().st_uid == os.getuid():
                        self.arguments.add(_read(process / "cmdline").replace("\0", " "))
                        self.environments.update(_read(process / "environ").split("\0"))


def _read(path: Path) -> str:
    return os.fsdecode(path.read_bytes())
