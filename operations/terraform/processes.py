"""Child processes that this program follows, interrupts together, and cannot harm by its own end.

What a followed process writes goes to a file, not to a pipe: a process whose reader has gone is ended by SIGPIPE, and
a Terraform that is ended loses what it has created. Windows is not supported: it lacks sessions and these signals.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from typing import IO, TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

GRACE_SECONDS = 120.0
"""From the interrupt of a process to its end by force, when this program fails: the AWS provider gives up its waits
at once, and saving the state takes seconds."""

_POLL_SECONDS = 0.1


def dying_with_parent(command: Sequence[str]) -> list[str]:
    """`command`, ended by the kernel when the program that starts it is killed, where there is setpriv (Linux)."""
    setpriv = shutil.which("setpriv")
    return [*([setpriv, "--pdeathsig", "KILL"] if setpriv else []), *command]


class RunInterruptedError(Exception):
    """The operator asked to stop: a process was ended early, or not started at all."""


class Children:
    """The processes a program has started, stopped together.

    Each runs in a session of its own and ignores SIGHUP, so that neither a Ctrl-C at the terminal nor its end reaches
    more than this program, which hands the first Ctrl-C on once (Terraform treats a second one as "give up now"); and a
    whole session can be killed, so that the provider plugins of a killed Terraform do not stay behind.
    """

    def __init__(self, *, grace_seconds: float = GRACE_SECONDS) -> None:
        self._running: set[subprocess.Popen[bytes]] = set()
        self._serving: set[subprocess.Popen[bytes]] = set()
        self._guard = threading.Lock()
        self._stopping = False
        self._grace_seconds = grace_seconds

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def stopping(self) -> bool:
        """True once `interrupt`, `end` or `kill` was called: nothing new is started then."""
        return self._stopping

    def interrupt(self) -> None:
        """Ask every process to stop in good order (SIGINT); may be called from another thread.

        A process that serves others goes on until they have ended.
        """
        self._signal(lambda process: None if process in self._serving else process.send_signal(signal.SIGINT))

    def end(self) -> None:
        """Interrupt every process, and kill what has not ended when the grace period is over."""
        self.interrupt()
        give_up = time.monotonic() + self._grace_seconds
        while time.monotonic() < give_up:
            with self._guard:
                if all(process.poll() is not None for process in self._running - self._serving):
                    break
            time.sleep(_POLL_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End every process at once, with everything it has started."""
        self._signal(_kill_session)

    def follow(
        self,
        command: Sequence[str],
        *,
        cwd: Path,
        environment: Mapping[str, str],
        on_line: Callable[[str], None],
        output: Path | None = None,
        on_start: Callable[[int], None] = lambda _: None,
    ) -> int:
        """Run `command`, hand over each line of its output as it comes, and return its exit code.

        The output is written to the file `output`, readable by its owner only, or to an unnamed one; `on_start` gets
        the process id. An exception of either callable does not disturb the command: the first one is raised when the
        command has ended. Raises RunInterruptedError when the run was stopped from another thread, KeyboardInterrupt
        when it was stopped in this one: the first Ctrl-C lets the command finish in good order, the second kills it.
        """
        failures: list[Exception | SystemExit] = []

        def hand_over(receive: Callable[[str], None] | Callable[[int], None], value: str | int) -> None:
            try:
                receive(value)  # type: ignore[arg-type]  # each gets what it takes
            except (Exception, SystemExit) as failure:
                failures.append(failure)

        with (
            _output_file(output, cwd) as file,
            _Ended(self, self._start(command, cwd, environment, file, subprocess.STDOUT)) as process,
        ):
            reader = _LineReader(file)

            def until_ended() -> None:
                while not _ended(process):
                    for line in reader.lines():
                        hand_over(on_line, line)
                for line in reader.lines(last=True):
                    hand_over(on_line, line)

            try:
                hand_over(on_start, process.pid)
                until_ended()
            except KeyboardInterrupt:
                self.interrupt()
                until_ended()
                raise
            except BaseException:
                self.end()
                raise
        if failures:
            raise failures[0]
        if self._stopping:
            raise RunInterruptedError
        return process.returncode

    def capture(self, command: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> tuple[int, str, str]:
        """Run `command` and return its exit code, output and error output. Raises like `follow`."""
        with (
            _output_file(None, cwd) as output,
            _output_file(None, cwd) as errors,
            _Ended(self, self._start(command, cwd, environment, output, errors)) as process,
        ):
            try:
                process.wait()
            except KeyboardInterrupt:
                self.interrupt()
                process.wait()
                raise
            except BaseException:
                self.end()
                raise
            texts = [file.read().decode("utf-8", "replace") for file in (output, errors) if file.seek(0) == 0]
        if self._stopping:
            raise RunInterruptedError
        return process.returncode, texts[0], texts[1]

    @contextmanager
    def serving(self, command: Sequence[str], *, cwd: Path, environment: Mapping[str, str]) -> Iterator[Iterator[str]]:
        """Run `command` for as long as the block lasts, which gets the lines of its output. Raises like `follow`.

        On Linux it ends even when this program is killed.
        """
        mortal = dying_with_parent(command)
        with _Ended(
            self, self._start(mortal, cwd, environment, subprocess.PIPE, subprocess.DEVNULL, serves=True)
        ) as process:
            assert process.stdout is not None  # noqa: S101 - started with a pipe
            yield (line.decode("utf-8", "replace").rstrip("\n") for line in process.stdout)

    def _start(
        self,
        command: Sequence[str],
        cwd: Path,
        environment: Mapping[str, str],
        stdout: IO[bytes] | int,
        stderr: IO[bytes] | int,
        *,
        serves: bool = False,
    ) -> subprocess.Popen[bytes]:
        with self._guard:
            if self._stopping:
                raise RunInterruptedError
            process = subprocess.Popen(
                [*_ignoring_hangups(), *command],
                cwd=cwd,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                start_new_session=True,
            )
            self._running.add(process)
            if serves:
                self._serving.add(process)
            return process

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        # Also when it ended by itself: what it has started may still run.
        _kill_session(process)
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
        with self._guard:
            self._running.discard(process)
            self._serving.discard(process)

    def _signal(self, send: Callable[[subprocess.Popen[bytes]], None]) -> None:
        with self._guard:
            self._stopping = True
            for process in self._running:
                send(process)


class _Ended:
    """A process that has ended, with everything it has started, when the block is left."""

    def __init__(self, children: Children, process: subprocess.Popen[bytes]) -> None:
        self._children = children
        self._process = process

    def __enter__(self) -> subprocess.Popen[bytes]:
        return self._process

    def __exit__(self, *_: object) -> None:
        self._children._end(self._process)


class _LineReader:
    """The lines of a file that a process writes, read beside it: both have the file's offset in common."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._offset = 0
        self._rest = b""

    def lines(self, *, last: bool = False) -> Iterator[str]:
        """The lines written since the call before; with `last` also one without an end."""
        while chunk := os.pread(self._file.fileno(), 2**16, self._offset):
            self._offset += len(chunk)
            *whole, self._rest = (self._rest + chunk).split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in whole)
        if last and self._rest:
            yield self._rest.decode("utf-8", "replace")


@contextmanager
def _output_file(path: Path | None, folder: Path) -> Iterator[IO[bytes]]:
    """A file that its owner alone may read; without `path` one in `folder` that has no name."""
    if path is None:
        with tempfile.TemporaryFile(dir=folder) as file:
            yield file
        return
    flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_NOFOLLOW
    with os.fdopen(os.open(path, flags, 0o600), "r+b") as file:
        yield file


def _ignoring_hangups() -> list[str]:
    # Not by preexec_fn, which may deadlock where other threads run.
    nohup = shutil.which("nohup")
    return [nohup] if nohup else []


def _ended(process: subprocess.Popen[bytes]) -> bool:
    """True when the process has ended; waits a moment for it."""
    if sys.platform != "linux":
        try:
            process.wait(_POLL_SECONDS)
        except subprocess.TimeoutExpired:
            return False
        return True
    # Popen.wait with a time limit wakes up ten times in a moment to look for the end
    with suppress(ProcessLookupError):  # another thread has seen it end
        if process.poll() is None:
            end = os.pidfd_open(process.pid)
            try:
                ends = select.poll()
                ends.register(end, select.POLLIN)
                ends.poll(_POLL_SECONDS * 1000)
            finally:
                os.close(end)
    return process.poll() is not None


def _kill_session(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # macOS refuses to signal a group of zombies
        return
