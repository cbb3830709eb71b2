"""A synth of the code and settings as they are now: the lines of its constructs, and stacks that differ from it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from operations.errors import OperatorError
from synth.deciding import ENVIRONMENTS, common_code, digest, files_below

SCRIPT = "scripts/fresh_synth.py"

Capture = Callable[[Sequence[str]], tuple[int, str, str]]
"""Runs a command in the repository: its exit code, output and errors."""


@dataclass(frozen=True)
class FreshSynth:
    """The result; empty where the repository has no script to synthesise it."""

    sources: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Construct path → `file:line`s of the code that creates it."""
    files: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Stack → file → SHA-256 of its content."""

    def stale_stacks(self, root: Path) -> list[str]:
        """The stacks whose files under generated/ differ from this synth, are missing, or should be gone."""
        committed = {path.parent.name for path in (root / "generated" / "stacks").glob("*/cdk.tf.json")}
        names = sorted(committed | self.files.keys()) if self.files else []
        return [name for name in names if self.files.get(name) != _committed(root / "generated" / "stacks" / name)]


def fresh_synth(root: Path, capture: Capture | None = None) -> FreshSynth:
    """The synth of the repository at `root`, once for each state of its code: some seconds of work, then none.

    Raises OperatorError, with its reason, when the synth refuses.
    """
    script = root / SCRIPT
    if not script.is_file():
        return FreshSynth()
    known = root / ".cache" / "fresh-synth" / f"{_code(root)}.json"
    if not known.is_file():
        code, output, errors = (capture or _capture_in(root))([sys.executable, str(script)])
        if code != 0:
            raise OperatorError(f"The stacks cannot be written as the settings are now:\n{errors.strip()}")
        known.parent.mkdir(parents=True, exist_ok=True)
        for old in known.parent.iterdir():
            old.unlink(missing_ok=True)
        known.write_text(output, encoding="utf-8")
    return FreshSynth(**json.loads(known.read_text(encoding="utf-8")))


def stale_message(name: str) -> str:
    """The sentence about a stack that is not what the code and the settings say."""
    return f"generated/stacks/{name} is stale: settings or code have changed since. Write it again with: make synth"


def _capture_in(root: Path) -> Capture:
    def capture(command: Sequence[str]) -> tuple[int, str, str]:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout, done.stderr

    return capture


def _committed(folder: Path) -> dict[str, str]:
    """The digests of a stack's committed files, without what Terraform keeps beside them."""
    return {
        str(name): hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
        if not {".terraform", "plan"} & set(name.parts) and not name.name.startswith("terraform.")
    }


def _code(root: Path) -> str:
    """A digest of everything in the repository that decides a synth."""
    folders = [root / ENVIRONMENTS, root / "deployments"]
    files = [*common_code(root), *(file for folder in folders for file in files_below(folder)), root / SCRIPT]
    return digest(root, files)[:16]
