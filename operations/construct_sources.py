"""Which lines of Python the constructs of all stacks come from, asked of the code as it is now."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

from operations.processes import RunInterruptedError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from operations.runs import Run

SCRIPT = "scripts/construct_sources.py"


def construct_sources(run: Run) -> Mapping[str, Sequence[str]]:
    """Construct path → `file:line`s; empty when the code cannot be synthesised, as a plan needs none of it.

    It makes the constructs anew (some seconds): line numbers in committed files would change with every comment.
    """
    script = run.root / SCRIPT
    if not script.is_file():
        return {}
    try:
        code, output, errors = run.children.capture([sys.executable, str(script)], cwd=run.root, environment=os.environ)
    except RunInterruptedError:
        return {}
    run.log_of("construct-sources").write_text(errors, encoding="utf-8")
    if code != 0:
        return {}
    found: Mapping[str, Sequence[str]] = json.loads(output)
    return found
