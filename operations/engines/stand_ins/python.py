"""The Python of a package: this machine's, but for virtual environments, which get nothing from the network.

`-m venv FOLDER` makes a folder whose `pip install` puts the programs of $HOST_ROOT/image beside it, as pip puts those
of what it installs. It ends with 1 without the network, as pip does.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

ROOT = Path(os.environ["HOST_ROOT"])


def main(name: str, arguments: list[str]) -> int:
    """Make a virtual environment, install into one, or become Python."""
    if name != "pip" and arguments[:2] != ["-m", "venv"]:
        os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606 - no shell is wanted
    with (ROOT / "calls").open("a") as calls:
        calls.write(" ".join([name, *arguments]) + "\n")
    if name == "pip":
        if not json.loads((ROOT / "host.json").read_text())["network"]:
            sys.stderr.write("ERROR: Could not find a version that satisfies the requirement\n")
            return 1
        folder = Path(os.environ["STAND_IN_VENV"]) / "bin"
        for program in (ROOT / "image").glob("*"):
            shutil.copy(program, folder)
        return 0
    folder = Path(arguments[2])
    pip = folder / "bin/pip"
    pip.parent.mkdir(parents=True, exist_ok=True)
    pip.write_text(f'#!/bin/sh\nSTAND_IN_VENV="{folder}" exec "{sys.executable}" "{__file__}" pip "$@"\n')
    pip.chmod(0o755)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
