"""The packed application as a process, and its pages."""

from __future__ import annotations

import contextlib
import http.client
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import tomli_w

HOST = "127.0.0.1"
TOO_SLOW = ("timeout on endpoint URL", "timed out", "Timeout reading from socket", "no answer within")
"""Words of a page whose service was too slow: of botocore, PyMySQL, redis-py and the application."""
_PATIENCE_SECONDS = 120


class Page(NamedTuple):
    """A page's status and text."""

    status: int
    text: str


@dataclass(frozen=True)
class RunningApp:
    """An application that listens."""

    port: int
    directory: Path
    process: subprocess.Popen[bytes]

    def get(self, path: str, *, hangs: bool = False) -> Page:
        """Fetch a page: patiently, unless a service `hangs` by intention."""
        return get(self.port, path) if hangs else get_patiently(self.port, path)

    @property
    def log(self) -> str:
        """The content of output.log."""
        return (self.directory / "output.log").read_text()


def get(port: int, path: str) -> Page:
    """Fetch a page from this machine."""
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return Page(answer.status, answer.read().decode())


def get_patiently(port: int, path: str) -> Page:
    """Fetch a page, again while it says that a service was too slow.

    The application waits seconds for a service, in which a loaded machine may not come to answer.
    """
    give_up = time.monotonic() + _PATIENCE_SECONDS
    while True:
        page = get(port, path)
        too_slow = page.status != 200 and any(sign in page.text for sign in TOO_SLOW)
        if not too_slow or time.monotonic() > give_up:
            return page


@contextlib.contextmanager
def running_app(
    executable: Path, directory: Path, config: Mapping[str, Any], environment: Mapping[str, str]
) -> Iterator[RunningApp]:
    """Start the application in `directory` with this config.toml, wait until it is healthy, end it afterwards."""
    (directory / "config.toml").write_text(tomli_w.dumps(config))
    process = subprocess.Popen([executable], cwd=directory, env=environment, stderr=subprocess.PIPE)
    app = RunningApp(config["server"]["port"], directory, process)
    try:
        while True:
            with contextlib.suppress(OSError):
                if app.get("/health") == Page(200, "healthy"):
                    break
            if process.poll() is not None:
                _, errors = process.communicate()
                raise RuntimeError(f"the application ended: {errors.decode()}")
            time.sleep(0.05)
        yield app
    finally:
        process.terminate()
        process.communicate()
