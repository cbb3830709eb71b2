"""Makes a virtual environment from a lock file with hashes. Started by venv.sh, with the Python it is to be made with.

Usage: make_venv.py FOLDER LOCK STAMP [PROJECT]. The stamp is written last, so a half-made environment never counts. An
environment that is complete, in its place and of the same Python is updated; every other is made from nothing. A
failure is one sentence with its cause, when it is a common one, else pip's own words.
"""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from urllib.parse import urlsplit

INSTALL = ("install", "--quiet", "--no-compile")
_FULL = (errno.ENOSPC, errno.EDQUOT)
_PROXIES = ("PIP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "http_proxy", "HTTP_PROXY")
"""Variables that name pip's proxy, the one that it takes first (pip 25, requests 2.32, 2026-11-29)."""


def main(folder: Path, lock: Path, stamp: str, project: str | None) -> int:
    """Exit code 0 when the environment is complete, 1 with the reason on standard error when it is not."""
    if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
        # venv would empty the folder that a link names, which may be another clone's environment
        found = f"a link to {folder.readlink()}" if folder.is_symlink() else "no folder"
        say(f"{folder} is {found}; it is left as it is. Remove it (rm {folder}), then run make again.")
        return 1
    try:
        return make(folder, lock, stamp, project)
    except subprocess.CalledProcessError as error:
        say(reason_of(f"{error.stdout or ''}\n{error.stderr or ''}", folder, lock))
    except OSError as error:
        if error.errno in _FULL:
            say(disk_is_full(folder))
        else:
            say(f"{error.filename or folder} cannot be written: {error.strerror}. Work in a clone of your own.")
    return 1


def make(folder: Path, lock: Path, stamp: str, project: str | None) -> int:
    """Make or update the environment, unless another make has just done it. Raises what pip and the disk refuse."""
    guard = Path(".cache", f"{folder.name.lstrip('.')}.lock")
    guard.parent.mkdir(exist_ok=True)
    with guard.open("w") as waiting:
        fcntl.flock(waiting, fcntl.LOCK_EX)
        complete = folder / ".complete"
        if (folder / "bin" / "python").exists() and complete.is_file() and complete.read_text() == stamp:
            return 0  # another make has just done it
        place = stamp.split()[:-2]  # without the checksum of the lock
        standing = complete.is_file() and place != [] and complete.read_text().split()[:-2] == place
        complete.unlink(missing_ok=True)
        if standing and same_python(folder):
            update(folder, lock)
        else:
            fill(folder, lock, project)
        complete.write_text(stamp)
    return 0


def fill(folder: Path, lock: Path, project: str | None) -> None:
    """Create the environment, install the lock and the project into it, and compile everything once."""
    say(f"Making {folder} with Python {sys.version.split()[0]}: installing {lock} (some 300 MB, a minute or two)")
    venv.EnvBuilder(clear=True, symlinks=True, with_pip=True).create(folder)
    run(folder, "pip", *INSTALL, "--require-hashes", "-r", lock)
    if project:
        # the .pth way of an editable install: new packages of the project are found without installing it again
        editable = ["--no-deps", "--no-build-isolation", "--config-settings", "editable_mode=compat", "-e", project]
        run(folder, "pip", *INSTALL, *editable)
    compile_all(folder)


def update(folder: Path, lock: Path) -> None:
    """Install what the lock has changed into a complete environment, and remove what it no longer names."""
    say(f"Updating {folder}: installing what {lock} has changed")
    locked = {normalised(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", lock.read_text(), re.MULTILINE)}
    installed = run(folder, "pip", "list", "--format", "freeze", "--exclude-editable").stdout
    names = {normalised(name) for name in re.findall(r"^([A-Za-z0-9._-]+)==", installed, re.MULTILINE)}
    if left := sorted(names - locked - {"pip", "setuptools"}):
        run(folder, "pip", "uninstall", "--quiet", "--yes", *left)
    run(folder, "pip", *INSTALL, "--require-hashes", "-r", lock)
    compile_all(folder)


def compile_all(folder: Path) -> None:
    """Compile every module that has no current .pyc file, unless COMPILE=no: then each is when it is first imported."""
    if os.environ.get("COMPILE") == "no":
        return
    say(f"Compiling {folder}, which makes every later start fast")
    # packages carry files that are templates or tests of syntax errors: what does not compile is not imported either
    run(folder, "compileall", "-q", "-q", "-j", "0", folder / "lib", check=False)


def reason_of(words: str, folder: Path, lock: Path) -> str:
    """One sentence on why pip or venv failed, and what to do next; their own words where the cause is none of these."""
    if "DO NOT MATCH THE HASHES" in words:
        tail = words[words.index("DO NOT MATCH THE HASHES") :]
        names = ", ".join(re.findall(r"^\s+(\S+==\S+|\S+) from ", tail, re.MULTILINE)) or "a package"
        return f"The package index gave another {names} than {lock} names; use another index (PIP_INDEX_URL)."
    if "No space left on device" in words or "Disk quota exceeded" in words:
        return disk_is_full(folder)
    if "Cannot connect to proxy" in words:
        set_ = next((name for name in _PROXIES if os.environ.get(name)), None)
        named = f"{set_}={without_password(os.environ[set_])}" if set_ else "of pip's configuration"
        found = re.search(r"Tunnel connection failed: ([^')]+)|\[Errno \d+\] ([^')]+)", words)
        cause = f": {found.group(1) or found.group(2)}" if found else ""
        return f"The proxy {named} does not serve{cause}. Correct or unset it, then run make again."
    if "CERTIFICATE_VERIFY_FAILED" in words:
        return "The package index's certificate is not trusted; set PIP_CERT to a file with its authority."
    if found := re.search(r"Temporary failure in name resolution|Name or service not known|timed out", words):
        return unreachable(found.group())
    if found := re.search(r"connection broken by .*\[Errno \d+\] ([^')]+)", words):
        return unreachable(found.group(1))
    return f"{words.strip()}\n{folder} could not be made from {lock}; see above, then run make again."


def disk_is_full(folder: Path) -> str:
    """Sentence on how much room there is, and how much the environment takes."""
    free = shutil.disk_usage(folder.absolute().parent).free // 1_000_000
    return (
        f"The disk is full: {folder} takes up to 1,500 MB, {free} MB are free in {folder.absolute().parent}."
        " Free some, then run make again."
    )


def unreachable(cause: str) -> str:
    """Sentence on an index that does not answer."""
    index = os.environ.get("PIP_INDEX_URL")
    named = f"PIP_INDEX_URL={without_password(index)}" if index else "that pip uses"
    return (
        f"The package index {named} does not answer: {cause}."
        " Go online or set PIP_INDEX_URL to a mirror, then run make again."
    )


def without_password(url: str) -> str:
    """The URL without the user and password that it may carry."""
    return url.replace(f"{urlsplit(url).netloc.rpartition('@')[0]}@", "", 1)


def same_python(folder: Path) -> bool:
    """Tell if the environment's interpreter starts, and is of the version that this script runs with."""
    python = folder / "bin" / "python"
    if not python.exists():
        return False
    program = "import sys; print(sys.version)"
    asked = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False)
    return asked.stdout.strip() == sys.version


def run(folder: Path, module: str, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a module with the environment's Python. Raises CalledProcessError when it fails and `check` asks for it."""
    # a user's own setting must not leave .pyc files out: importing the provider without them takes a minute every time
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment |= {"PIP_USER": "0", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    command = [folder / "bin" / "python", "-m", module, *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=check)


def normalised(name: str) -> str:
    """A distribution's name as packaging compares them."""
    return re.sub(r"[-_.]+", "-", name).lower()


def say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    given_folder, given_lock, given_stamp, *rest = sys.argv[1:]
    sys.exit(main(Path(given_folder), Path(given_lock), given_stamp, rest[0] if rest else None))
