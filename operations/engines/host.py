"""One instance on this machine: a deployment's user data, booted below a folder, with real programs wherever possible.

The user data is the real text, run by the real shell; the AWS command line is the real one (`command_line`) and asks
the emulator, signed with whatever keys the host is given; PostgreSQL, MariaDB, Redis, memcached and nginx are real (see
beside).
Programs of Amazon Linux that would change this machine are those of `stand_ins`, whose docstrings say what they were
written from and what they refuse.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from operations.engines.command_line import loaded_command_line
from operations.engines.server import free_port

STAND_INS = Path(__file__).with_name("stand_ins")
INSTANCE_ID = "i-0123456789abcdef0"
_RECORDED = ("useradd", "groupadd", "logger", "journalctl", "shutdown", "sleep", "setpriv")
_NOT_INSTALLED = ("docker", "nginx", "poweroff", "halt", "reboot", "dnf", "yum")
"""This machine may have them; a host has not, or has its own."""
_OUT_OF_REACH = "http://127.0.0.1:1"


@dataclass(frozen=True)
class HostSurroundings:
    """Surroundings of a host at this moment; parameters, secrets and objects are those of its AWS account."""

    network: bool = True
    """True when it has a way out: to AWS, to package mirrors and to registries."""
    package_failures: int | None = 0
    """How many times the package mirrors will fail before they answer; None when they never do."""
    images: Sequence[str] | None = None
    """Images that the registries have; None when they have whatever is asked for."""


@dataclass
class Host:
    """A machine that is this one below `root`."""

    root: Path
    environment: Mapping[str, str]
    """All that its programs see: AWS's endpoint and region, keys, and what a deployment's programs read besides."""
    system: Literal["al2", "al2023"] = "al2023"
    surroundings: HostSurroundings = field(default_factory=HostSurroundings)
    ports: Mapping[int, int] = field(default_factory=dict)
    """Ports the host's own servers listen on → ports of this machine, free ones when left out."""
    speed: float = 50
    """How many seconds pass on the host in one of this machine's, where a program waits by `sleep` or RestartSec."""

    def __post_init__(self) -> None:
        self._programs = self.root / "stand-ins"
        self._programs.mkdir(parents=True)
        self.ports = {80: free_port(), 8000: free_port(), **self.ports}
        self.surround(self.surroundings)
        manager = "yum" if self.system == "al2" else "dnf"
        for name in _NOT_INSTALLED:
            self.install(name, '#!/bin/sh\necho "$(basename "$0"): command not found" >&2\nexit 127\n')
        if self.system == "al2":
            (self._programs / "dnf").unlink()  # user data looks for it
        self._stand_in(manager, "package_manager", manager)
        self._stand_in("systemctl", "systemctl")
        self._stand_in("aws", "aws", loaded_command_line())
        for name in _RECORDED:
            self._stand_in(name, "recorded", name)
        written = self.root / "var/lib/cloud/data/instance-id"  # as cloud-init does
        written.parent.mkdir(parents=True)
        written.write_text(f"{INSTANCE_ID}\n")

    def surround(self, surroundings: HostSurroundings) -> None:
        """Change what exists around the host from now on."""
        self.surroundings = surroundings
        failures = sys.maxsize if surroundings.package_failures is None else surroundings.package_failures
        images = None if surroundings.images is None else list(surroundings.images)
        told = {"network": surroundings.network, "package_failures": failures, "images": images, "ports": self.ports}
        (self.root / "host.json").write_text(json.dumps(told))

    def install(self, name: str, text: str) -> Path:
        """Put an executable file of this text where the host's shell finds it."""
        return self.write(f"stand-ins/{name}", text, executable=True)

    def write(self, path: str, text: str, *, executable: bool = False) -> Path:
        """Put a file below the root."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        if executable:
            file.chmod(file.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
        return file

    def boot(self, user_data: str) -> subprocess.CompletedProcess[str]:
        """Do with user data what cloud-init does at the first boot; `stdout` and `stderr` are its output log."""
        script = self.write("var/lib/cloud/instance/user-data.txt", user_data, executable=True)
        log = self.write("var/log/cloud-init-output.log", "")
        # into one file, as cloud-init does, so that the script itself can read what was said so far
        return self.run("bash", "-c", 'exec "$0" > >(tee -a "$1") 2> >(tee -a "$1" >&2)', str(script), str(log))

    def run(self, *command: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program of the host."""
        return subprocess.run(
            command, input=text, check=False, capture_output=True, text=True, env=self.variables, cwd=self.root
        )

    @contextlib.contextmanager
    def running(self, *command: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
        """A program of the host while it works; what it says goes to `log`."""
        with log.open("wb") as written:
            process = subprocess.Popen(command, stderr=written, env=self.variables)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def systemctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run systemctl."""
        return self.run("systemctl", *arguments)

    @property
    def variables(self) -> dict[str, str]:
        """The environment of the host's programs."""
        path = [str(self._programs), str(Path(sys.executable).parent)]
        own = {
            "PATH": os.pathsep.join([*path, self.environment.get("PATH", os.environ["PATH"])]),
            "HOME": str(self.root),
            "HOST_ROOT": str(self.root),
            "HOST_OWNER": str(os.getpid()),
            "HOST_SPEED": str(self.speed),
            "AWS_MAX_ATTEMPTS": "1",
        }
        cut_off = {} if self.surroundings.network else {"AWS_ENDPOINT_URL": _OUT_OF_REACH}
        return {**self.environment, **own, **cut_off}

    @property
    def calls(self) -> list[str]:
        """Calls of the stand-ins."""
        file = self.root / "calls"
        return file.read_text().splitlines() if file.exists() else []

    @property
    def journal(self) -> str:
        """Lines of units and of `logger`."""
        file = self.root / "journal"
        return file.read_text() if file.exists() else ""

    @property
    def boot_log(self) -> str:
        """The file cloud-init-output.log."""
        return (self.root / "var/log/cloud-init-output.log").read_text()

    @property
    def ends_itself(self) -> bool:
        """True when it has been told to shut down."""
        return any(call.startswith("shutdown -h") for call in self.calls)

    def pid(self, unit: str) -> int:
        """The main process of a running unit."""
        main: int = json.loads((self.root / "run/units" / unit).read_text())["main"]
        return main

    def close(self) -> None:
        """End every unit; safe to repeat."""
        units = self.root / "run/units"
        # paths first, as they start services
        for file in [*units.glob("[!.]*.path"), *units.glob("[!.]*.service")]:
            with contextlib.suppress(OSError, ValueError):
                os.kill(json.loads(file.read_text())["supervisor"], signal.SIGTERM)

    def _stand_in(self, name: str, program: str, *arguments: str | Path) -> None:
        words = " ".join(f'"{word}"' for word in (sys.executable, STAND_INS / f"{program}.py", *arguments))
        (self._programs / name).unlink(missing_ok=True)
        self.install(name, f'#!/bin/sh\nexec {words} "$@"\n')
