"""dnf of Amazon Linux 2023 and yum of Amazon Linux 2: what they install appears below $HOST_ROOT.

Written from the manuals dnf(8) and yum(8); it knows the packages that this repository's user data may name. As the real
ones it refuses any other package, and ends with 1 when no mirror answers: as often as $HOST_ROOT/host.json says, or
without the network.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

ROOT = Path(os.environ["HOST_ROOT"])
PROGRAMS = ROOT / "stand-ins"
COMMON = frozenset({"amazon-cloudwatch-agent", "logrotate", "gcc", "nginx", "docker"})
PACKAGES = {
    "dnf": COMMON | {"python3.11", "python3.11-devel", "postgresql15", "postgresql16", "postgresql17"},
    "yum": COMMON | {"python3"},
}
SERVICE = "[Unit]\nDescription={}\n[Service]\nExecStart={}\n[Install]\nWantedBy=multi-user.target\n"


def main(manager: str, arguments: list[str]) -> int:
    """Install packages, or say why not."""
    with (ROOT / "calls").open("a") as calls:
        calls.write(" ".join([manager, *arguments]) + "\n")
    if arguments[:2] not in (["install", "--assumeyes"], ["install", "-y"]) or len(arguments) == 2:
        sys.stderr.write(f"{manager}: this host can only do {manager} install --assumeyes PACKAGE…\n")
        return 1
    if not reach_mirrors():
        sys.stderr.write("Error: Failed to download metadata for repo 'amazonlinux'\n")
        return 1
    if unknown := [name for name in arguments[2:] if name not in PACKAGES[manager]]:
        sys.stderr.write(f"No match for argument: {unknown[0]}\nError: Unable to find a match: {' '.join(unknown)}\n")
        return 1
    for name in arguments[2:]:
        install(name)
    return 0


def reach_mirrors() -> bool:
    """True when a mirror answers this time."""
    file = ROOT / "host.json"
    told = json.loads(file.read_text())
    failures = told["package_failures"]
    if failures:
        file.write_text(json.dumps({**told, "package_failures": failures - 1}))
    return bool(told["network"] and not failures)


def install(name: str) -> None:
    """Put a package's programs and units in their places."""
    if name == "amazon-cloudwatch-agent":
        place("opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent-ctl", "cloudwatch_agent")
    elif name == "docker":
        place("stand-ins/docker", "docker")
        unit("docker.service", "Docker Application Container Engine", "/usr/bin/sleep infinity")
    elif name == "nginx":
        place("stand-ins/nginx", "nginx")
        (ROOT / "etc/nginx/conf.d").mkdir(parents=True, exist_ok=True)
        unit("nginx.service", "The nginx HTTP and reverse proxy server", f"{PROGRAMS}/nginx")
    elif name in ("python3.11", "python3"):
        place(f"stand-ins/{name}", "python", name)


def place(path: str, program: str, *arguments: str) -> None:
    """Make `path` start one of the stand-ins."""
    file = ROOT / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.unlink(missing_ok=True)  # what refused to run before it was installed
    words = " ".join(f'"{word}"' for word in (sys.executable, Path(__file__).with_name(f"{program}.py"), *arguments))
    file.write_text(f'#!/bin/sh\nexec {words} "$@"\n')
    file.chmod(0o755)


def unit(name: str, description: str, command: str) -> None:
    """A unit as packages bring it."""
    file = ROOT / "usr/lib/systemd/system" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(SERVICE.format(description, command))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
