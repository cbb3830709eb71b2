"""Makes a virtual environment from a lock file with hashes. Started by venv.sh, with the Python it is to be made with.

Usage: make_venv.py FOLDER LOCK STAMP [PROJECT]. The stamp is written last, so a half-made environment never counts.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import venv
from pathlib import Path


def main(folder: Path, lock: Path, stamp: str, project: str | None) -> int:
    """Exit code 0 when the environment is complete, 1 when pip failed (its own words stand above)."""
    guard = Path(".cache", f"{folder.name.lstrip('.')}.lock")
    guard.parent.mkdir(exist_ok=True)
    with guard.open("w") as waiting:
        fcntl.flock(waiting, fcntl.LOCK_EX)
        complete = folder / ".complete"
        if (folder / "bin" / "python").exists() and complete.is_file() and complete.read_text() == stamp:
            return 0  # another make has just done it
        complete.unlink(missing_ok=True)
        try:
            fill(folder, lock, project)
        except subprocess.CalledProcessError:
            say(f"{folder} could not be made from {lock}; see above, then run make again.")
            return 1
        complete.write_text(stamp)
    return 0


def fill(folder: Path, lock: Path, project: str | None) -> None:
    """Create the environment, install the lock and the project into it, and compile everything once."""
    python = folder / "bin" / "python"
    # a user's own setting must not leave .pyc files out: importing the provider without them takes a minute every time
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    pip: list[str | Path] = [python, "-m", "pip", "install", "--quiet", "--no-compile"]

    say(f"Making {folder} with Python {sys.version.split()[0]}: installing {lock} (some 300 MB, a minute or two)")
    venv.EnvBuilder(clear=True, symlinks=True, with_pip=True).create(folder)
    subprocess.run([*pip, "--require-hashes", "-r", lock], env=environment, check=True)
    if project:
        # the .pth way of an editable install: new packages of the project are found without installing it again
        editable = ["--no-deps", "--no-build-isolation", "--config-settings", "editable_mode=compat", "-e", project]
        subprocess.run([*pip, *editable], env=environment, check=True)
    say(f"Compiling {folder}, which makes every later start fast")
    # packages carry files that are templates or tests of syntax errors: what does not compile is not imported either
    subprocess.run([python, "-m", "compileall", "-q", "-q", "-j", "0", folder / "lib"], env=environment, check=False)


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    given_folder, given_lock, given_stamp, *rest = sys.argv[1:]
    sys.exit(main(Path(given_folder), Path(given_lock), given_stamp, rest[0] if rest else None))
