"""Child processes that never outlive the program that started them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path


def dying_with_parent(command: Sequence[str]) -> list[str]:
    """`command`, ended by the kernel when the program that starts it is killed, where there is setpriv (Linux)."""
    setpriv = shutil.which("setpriv")
    return [*([setpriv, "--pdeathsig", "KILL"] if setpriv else []), *command]


class RunInterruptedError(Exception):
    """The operator asked to stop: a process was ended early, or not started at all."""


class Children:
    """The processes a program has started, stopped together.

    Each runs in a session of its own, for two reasons: a Ctrl-C at the terminal reaches only this program, which hands
    it on once (Terraform treats a second one as "give up now"), and a whole session can be killed, so that the provider
    plugins of a killed Terraform do not stay behind.
    """

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._guard = threading.Lock()
        self._stopping = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def stopping(self) -> bool:
        """Whether `interrupt` or `kill` was called: nothing new is started then."""
        return self._stopping

    def interrupt(self) -> None:
        """Ask every process to stop in good order (SIGINT); may be called from another thread."""
        self._signal(lambda process: process.send_signal(signal.SIGINT))

    def kill(self) -> None:
        """End every process at once, with everything it has started."""
        self._signal(_kill_session)

    def follow(
        self, command: Sequence[str], *, cwd: Path, environment: Mapping[str, str], on_line: Callable[[str], None]
    ) -> int:
        """Run `command`, hand over each line of its output as it comes, and return its exit code.

        Raises RunInterruptedError when the run was stopped from another thread, KeyboardInterrupt when it was stopped
        in this one: the first Ctrl-C lets the command finish in good order, the second kills it.
        """
        with _Ended(self, self._start(command, cwd, environment, subprocess.STDOUT)) as process:
            try:
                for line in _lines(process):
                    on_line(line)
                code = process.wait()
            except KeyboardInterrupt:
                self.interrupt()
                for line in _lines(process):
                    on_line(line)
                process.wait()
                raise
        if self._stopping:
            raise RunInterruptedError
        return code

    def capture(self, command: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> tuple[int, str, str]:
        """Run `command` and return its exit code, output and error output. Raises like `follow`."""
        with _Ended(self, self._start(command, cwd, environment, subprocess.PIPE)) as process:
            try:
                output, errors = process.communicate()
            except KeyboardInterrupt:
                self.interrupt()
                process.communicate()
                raise
        if self._stopping:
            raise RunInterruptedError
        return process.returncode, output, errors

    @contextmanager
    def serving(self, command: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> Iterator[Iterator[str]]:
        """Run `command` for as long as the block lasts, which gets the lines of its output. Raises like `follow`.

        On Linux it ends even when this program is killed.
        """
        mortal = dying_with_parent(command)
        with _Ended(self, self._start(mortal, cwd, environment, subprocess.DEVNULL)) as process:
            yield _lines(process)

    def _start(
        self, command: Sequence[str], cwd: Path, environment: Mapping[str, str], stderr: int
    ) -> subprocess.Popen[str]:
        with self._guard:
            if self._stopping:
                raise RunInterruptedError
            process = subprocess.Popen(
                command,
                cwd=cwd,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                encoding="utf-8",
                errors="replace",
                start_new_session=True,
            )
            self._running.add(process)
            return process

    def _end(self, process: subprocess.Popen[str]) -> None:
        # Also when it ended by itself: what it has started may still run.
        _kill_session(process)
        process.wait()
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        with self._guard:
            self._running.discard(process)

    def _signal(self, send: Callable[[subprocess.Popen[str]], None]) -> None:
        with self._guard:
            self._stopping = True
            for process in self._running:
                send(process)


class _Ended:
    """A process that has ended, with everything it has started, when the block is left."""

    def __init__(self, children: Children, process: subprocess.Popen[str]) -> None:
        self._children = children
        self._process = process

    def __enter__(self) -> subprocess.Popen[str]:
        return self._process

    def __exit__(self, *_: object) -> None:
        self._children._end(self._process)


def _lines(process: subprocess.Popen[str]) -> Iterator[str]:
    assert process.stdout is not None  # noqa: S101 - started with a pipe
    for line in process.stdout:
        yield line.rstrip("\n")


def _kill_session(process: subprocess.Popen[str]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return
