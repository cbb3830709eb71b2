"""A server's process on this machine, with a folder of its own, ended with the program that started it."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from operations.errors import OperatorError
from operations.terraform.processes import dying_with_parent

HOST = "127.0.0.1"
USER = "tester"
PASSWORD = "engines-of-tests"  # noqa: S105  # of servers that live as long as one program
_START_SECONDS = 60
_STOP_SECONDS = 20


class EngineError(OperatorError):
    """A server, or a program of its package, failed; the message ends with what it said."""


class MissingEngineError(OperatorError):
    """A package is not installed; the message says which."""

    def __init__(self, package: str, programs: Sequence[str]) -> None:
        super().__init__(f"{', '.join(programs)} not found; on Debian: apt-get install --yes {package}")


class Server:
    """A server's process, ended by the kernel when this one is killed, where there is setpriv (Linux)."""

    def __init__(
        self, command: Sequence[str], *, directory: Path, ask: Callable[[], object], stop_signal: int = signal.SIGTERM
    ) -> None:
        """`ask` raises until the server answers; its output goes to a file in `directory`."""
        self._command = dying_with_parent(command)
        self._directory = directory
        self._ask = ask
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until the server answers. EngineError with the end of its output when it does not."""
        log = self._directory / "server.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command,
                cwd=self._directory,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the program that needs it, which ends it in its turn
            )
        give_up = time.monotonic() + _START_SECONDS
        while True:
            try:
                self._ask()
            except Exception as error:  # each client library has its own
                if self._process.poll() is not None or time.monotonic() > give_up:
                    end = log.read_text(errors="replace")[-2000:]
                    raise EngineError(f"{' '.join(self._command)} does not answer: {error}\n{end}") from error
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """End the process; does nothing when there is none."""
        if self._process is None:
            return
        self._process.send_signal(self._stop_signal)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Connections are refused; afterwards the server runs again with the same data on the same port."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """The server hangs: the kernel accepts connections, nothing is answered."""
        if self._process is None:
            raise EngineError("only a running server can be frozen")
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)


@dataclass(frozen=True)
class Engine:
    """Where a server is, and how to take it away."""

    server: Server
    host: str
    port: int

    def stopped(self) -> contextlib.AbstractContextManager[None]:
        """The server is not there; see `Server.stopped`."""
        return self.server.stopped()

    def frozen(self) -> contextlib.AbstractContextManager[None]:
        """The server hangs; see `Server.frozen`."""
        return self.server.frozen()


@contextlib.contextmanager
def running(
    command: Sequence[str], directory: Path, ask: Callable[[], object], stop_signal: int = signal.SIGTERM
) -> Iterator[Server]:
    """A server for as long as the block lasts; see Server."""
    server = Server(command, directory=directory, ask=ask, stop_signal=stop_signal)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def programs_of(package: str, *programs: str, folder: Path | None = None) -> list[str]:
    """Paths of a package's programs. Raises MissingEngineError."""
    path = os.pathsep.join([str(folder)] if folder else [os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    found = [shutil.which(program, path=path) for program in programs]
    if missing := [program for program, at in zip(programs, found, strict=True) if at is None]:
        raise MissingEngineError(package, missing)
    return [at for at in found if at is not None]


@contextlib.contextmanager
def private_folder(engine: str, account: str | None = None) -> Iterator[Path]:
    """A temporary folder that only its owner may enter: `account` where the server runs as somebody else."""
    directory = Path(tempfile.mkdtemp(prefix=f"quintet-{engine}-"))
    try:
        if account is not None:
            shutil.chown(directory, account)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def free_port() -> int:
    """A port of 127.0.0.1 nobody listens on, below those the kernel gives to outgoing connections."""
    while True:
        port = random.SystemRandom().randint(15000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port


def run_program(command: Sequence[str], environment: Mapping[str, str] | None = None, *, given: str = "") -> str:
    """Output of a program, with `given` as its input. Raises EngineError with all of its output when it fails."""
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment, input=given)
    if done.returncode:
        raise EngineError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()
