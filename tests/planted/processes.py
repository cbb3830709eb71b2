"""Arguments and environments of all processes that this machine's account runs while something is watched."""

from __future__ import annotations

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from typing import Any

_SECONDS = 0.05
_YOUNG_LOOKS = 20
"""A process is read in each of its first looks, as it becomes another program in them, and later once in as many."""
_PROCESSES = "/proc"


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
        """Each argument list and each variable seen so far, with its place; more are seen meanwhile."""
        arguments, environments = self.arguments.copy(), self.environments.copy()
        yield from (("arguments of a process", text) for text in arguments)
        yield from ((f"variable {text.partition('=')[0]} of a process", text) for text in environments)

    def _started(self, event: str, details: tuple[Any, ...]) -> None:
        if not self._looking or event != "subprocess.Popen":
            return
        _, arguments, _, environment = details
        listed = [arguments] if isinstance(arguments, str | bytes) else arguments
        self.arguments.add(" ".join(os.fsdecode(one) for one in listed))
        given = os.environ if environment is None else environment
        self.environments.update(f"{os.fsdecode(name)}={os.fsdecode(value)}" for name, value in given.items())

    def _look(self) -> None:
        looks: dict[str, int] = {}
        while not self._stop.wait(_SECONDS):
            with os.scandir(_PROCESSES) as every:
                there = [entry.name for entry in every if entry.name.isdecimal()]
            looks = {name: looks.get(name, 0) + 1 for name in there}
            for name, count in looks.items():
                if count <= _YOUNG_LOOKS or count % _YOUNG_LOOKS == 0:
                    self._read(f"{_PROCESSES}/{name}")

    def _read(self, process: str) -> None:
        with contextlib.suppress(OSError):
            arguments = _own_text(f"{process}/cmdline")
            if arguments is not None:
                self.arguments.add(arguments.replace("\0", " "))
                self.environments.update((_own_text(f"{process}/environ") or "").split("\0"))


def _own_text(file: str) -> str | None:
    """The file's text, None where another account owns it; read thousands of times a second, so without pathlib."""
    descriptor = os.open(file, os.O_RDONLY)
    try:
        if os.fstat(descriptor).st_uid != os.getuid():
            return None
        return os.fsdecode(b"".join(iter(lambda: os.read(descriptor, 2**16), b"")))
    finally:
        os.close(descriptor)
