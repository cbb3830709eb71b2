"""Which lines of Python the constructs of all stacks come from, asked of the code as it is now."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from typing import TYPE_CHECKING

from operations.terraform.processes import RunInterruptedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from operations.terraform.run import Run

SCRIPT = "scripts/construct_sources.py"


def construct_sources(run: Run) -> Mapping[str, Sequence[str]]:
    """Construct path → `file:line`s; empty when the code cannot be synthesised, as a plan needs none of it.

    It makes the constructs anew, some seconds of work, once for each state of the code: line numbers in committed files
    would change with every comment.
    """
    script = run.root / SCRIPT
    if not script.is_file():
        return {}
    known = run.root / ".cache" / "construct-sources" / f"{_code(run.root)}.json"
    if not known.is_file():
        try:
            code, output, errors = run.children.capture(
                [sys.executable, str(script)], cwd=run.root, environment=os.environ
            )
        except RunInterruptedError:
            return {}
        run.log_of("construct-sources").write_text(errors, encoding="utf-8")
        if code != 0:
            return {}
        known.parent.mkdir(parents=True, exist_ok=True)
        for old in known.parent.iterdir():
            old.unlink(missing_ok=True)
        known.write_text(output, encoding="utf-8")
    found: Mapping[str, Sequence[str]] = json.loads(known.read_text(encoding="utf-8"))
    return found


def _code(root: Path) -> str:
    """A digest of everything constructs are made from."""
    files = [root / "main.py", root / "cdktf.json", root / SCRIPT]
    for folder in ("config", "modules", "synth", "deployments"):
        files += sorted(path for path in (root / folder).rglob("*") if path.suffix in (".py", ".toml"))
    digest = hashlib.sha256()
    for file in files:
        digest.update(f"{file.relative_to(root)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]
