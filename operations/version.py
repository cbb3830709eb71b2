"""The versions that decide what a run does: `quintet --version`."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from config.locked_provider import locked_provider_version

_UNKNOWN = "unknown"
_BINDINGS = ("cdktf", "cdktf-cdktf-provider-aws", "constructs", "jsii")


def version_lines(root: Path) -> Iterator[str]:
    """Quintet's version and commit, Terraform's, the provider's and those of the bindings, a line each."""
    yield f"quintet {_installed('quintet')}, commit {_commit(root)}"
    yield f"terraform {_text(root / '.terraform-version').strip() or _UNKNOWN}"
    yield f"provider hashicorp/aws {locked_provider_version(root) or _UNKNOWN}"
    yield f"bindings {', '.join(f'{name} {_installed(name)}' for name in _BINDINGS)}"


def _commit(root: Path) -> str:
    """The commit of a checkout, with what has changed since; unknown where there is no Git or no repository."""
    try:
        head = _git(root, "rev-parse", "--short=12", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.CalledProcessError):
        return _UNKNOWN
    return f"{head}, with uncommitted changes" if changed else head


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", "-C", root, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _text(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return _UNKNOWN
