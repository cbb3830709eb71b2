"""A port of this machine that leads through an instance into its network, by a session of Session Manager."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from operations.console import printable
from operations.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

PROGRAMS = ("aws", "session-manager-plugin")
OPEN_SECONDS = 60
_HOST = "127.0.0.1"


def check_programs() -> None:
    """Raises OperatorError when a program that opens sessions is not installed."""
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        raise OperatorError(
            f"{' and '.join(missing)} not found: the database is reached through a session of Session Manager.",
            hint="Install the AWS command line and its Session Manager plugin.",
        )


@contextmanager
def forwarded(
    instance: str,
    host: str,
    port: int,
    *,
    region: str,
    environment: Mapping[str, str] | None = None,
    open_seconds: float = OPEN_SECONDS,
) -> Iterator[int]:
    """A port of 127.0.0.1 that leads to `host:port` through `instance`, while the block runs.

    `environment` is that of the AWS command line, by default this program's. Raises OperatorError without a session.
    """
    check_programs()
    local = _free_port()
    parameters = {"host": [host], "portNumber": [str(port)], "localPortNumber": [str(local)]}
    command = ["aws", "ssm", "start-session", "--region", region, "--target", instance]
    command += ["--document-name", "AWS-StartPortForwardingSessionToRemoteHost", "--parameters", json.dumps(parameters)]
    with tempfile.TemporaryFile() as said:
        session = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            env=None if environment is None else dict(environment),
            start_new_session=True,
        )
        try:
            give_up = time.monotonic() + open_seconds
            while not _answers(local):
                if session.poll() is not None or time.monotonic() > give_up:
                    said.seek(0)
                    reason = printable(said.read(2000).decode(errors="replace").strip()) or "nothing was said"
                    raise OperatorError(
                        f"No session leads through {instance} to {host}:{port}: {reason}",
                        hint="Look whether the instance is online: aws ssm describe-instance-information",
                    )
                time.sleep(0.2)
            yield local
        finally:
            with suppress(ProcessLookupError):  # the plugin is a child of the command line, and outlives it
                os.killpg(session.pid, signal.SIGTERM)
            session.wait()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind((_HOST, 0))
        port: int = found.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    with suppress(OSError), socket.create_connection((_HOST, port), timeout=1):
        return True
    return False
