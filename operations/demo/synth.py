"""Writes `generated/` anew by running the CDKTF application."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from operations.errors import OperatorError

if TYPE_CHECKING:
    from operations.terraform.run import Run


def synthesise(run: Run) -> None:
    """Run `python main.py` in the repository of `run`. Raises OperatorError with what it says when it refuses."""
    lines: list[str] = []
    command = [sys.executable, str(run.root / "main.py")]
    code = run.children.follow(command, cwd=run.root, environment=os.environ, on_line=lines.append)
    output = "\n".join(lines)
    run.log_of("synth").write_text(output + "\n", encoding="utf-8")
    if code != 0:
        raise OperatorError(f"The stacks could not be written:\n{output}", hint=f"Log: {run.log_of('synth')}")
