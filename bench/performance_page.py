"""The parts of docs/performance.md that are measured: each between `<!-- bench: NAME -->` and `<!-- end -->`."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

PAGE = Path(__file__).resolve().parents[1] / "docs" / "performance.md"


def write_part(name: str, lines: Sequence[str]) -> None:
    """Replaces one measured part by `lines` and the day. Raises ValueError when the page has no such part."""
    page = PAGE.read_text(encoding="utf-8")
    measured = f"Measured {datetime.now(UTC).date()} on {os.cpu_count()} cores."
    part = "\n".join([f"<!-- bench: {name} -->\n", measured, "", *lines, "", "<!-- end -->"])
    text, found = re.subn(rf"<!-- bench: {name} -->.*?<!-- end -->", lambda _: part, page, flags=re.DOTALL)
    if found != 1:
        raise ValueError(f"{PAGE} has {found} parts called {name}")
    PAGE.write_text(text, encoding="utf-8")
