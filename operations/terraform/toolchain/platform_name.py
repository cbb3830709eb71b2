"""The machine this runs on, as HashiCorp names it in file names and mirrors: `linux_amd64`, `darwin_arm64`."""

from __future__ import annotations

import platform

from operations.errors import OperatorError

_SYSTEMS = {"Linux": "linux", "Darwin": "darwin"}
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}


def platform_name() -> str:
    """The platform part of a release's or provider package's name; OperatorError where Quintet does not run."""
    system, machine = platform.system(), platform.machine()
    if system not in _SYSTEMS or machine.lower() not in _MACHINES:
        raise OperatorError(
            f"Quintet does not run on {system} {machine}; it runs on Linux and macOS, x86_64 and arm64.",
            hint="On Windows use WSL 2.",
        )
    return f"{_SYSTEMS[system]}_{_MACHINES[machine.lower()]}"
