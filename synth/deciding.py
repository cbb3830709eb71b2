"""Everything that decides the bytes of a stack: files of the repository, what is installed, variables of the shell."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from synth.nodejs import find_node, packaged_node

FILES: Final = (
    "main.py",
    "cdktf.json",
    ".terraform-version",
    ".terraform.lock.hcl",
    "requirements.lock",
    "deployments/__init__.py",
)
FOLDERS: Final = ("config", "modules", "synth")
ENVIRONMENTS: Final = "config/environments"
"""Left out of the code: a stack is decided by its own environment's file."""
VARIABLES: Final = ("JSII_", "NODE_", "PYTHON", "QUINTET_")
"""The beginnings of names in the environment that Python, Node.js, jsii or the bindings obey."""


def common_code(root: Path) -> Iterator[Path]:
    """The files in the repository at `root` that decide every stack."""
    for name in FILES:
        if (file := root / name).is_file():
            yield file
    for folder in FOLDERS:
        yield from files_below(root / folder, without=root / ENVIRONMENTS)


def deployment_code(root: Path, folder: str) -> Iterator[Path]:
    """The files of the deployment in `deployments/<folder>` that decide its stacks, in every environment."""
    return files_below(root / "deployments" / folder, without=root / "deployments" / folder / "environments")


def files_below(folder: Path, *, without: Path | None = None) -> Iterator[Path]:
    """Every file below `folder`, in a fixed order, without those below `without` and Python's byte code."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name != "__pycache__" and Path(place, name) != without)
        for name in sorted(names):
            yield Path(place, name)


def digest(root: Path, files: Iterable[Path]) -> str:
    """A digest of the names and the content of `files` in the repository at `root`."""
    whole = hashlib.sha256()
    for file in files:
        whole.update(f"{file.relative_to(root)}\0{hashlib.sha256(file.read_bytes()).hexdigest()}\0".encode())
    return whole.hexdigest()


def toolchain() -> str:
    """A digest of Python, Node.js, the variables they obey, and every installed distribution's list of hashes.

    Raises OSError when a distribution has no such list, or no Node.js can be asked for its version.
    """
    whole = hashlib.sha256(sys.version.encode())
    for name in sorted(name for name in os.environ if name.startswith(VARIABLES)):
        whole.update(f"{name}={os.environ[name]}\0".encode())
    for place in sys.path:
        for distribution in sorted(Path(place).glob("*.dist-info")):
            whole.update(distribution.name.encode() + (distribution / "RECORD").read_bytes())
    node = find_node()
    if node is None:
        raise FileNotFoundError("there is no Node.js")
    if node != packaged_node():  # whose RECORD has its hash
        whole.update(subprocess.check_output([node, "--version"], stderr=subprocess.DEVNULL))
    return whole.hexdigest()
