"""Files that other processes see whole or not at all."""

from __future__ import annotations

import tempfile
from pathlib import Path


def write_whole(file: Path, content: bytes) -> None:
    """Writes `content` into `file`, whose folder is made; an interruption leaves nothing. OSError: it cannot be."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=file.parent, delete=False) as unfinished:
        try:
            unfinished.write(content)
            unfinished.close()
            Path(unfinished.name).replace(file)
        except BaseException:
            Path(unfinished.name).unlink(missing_ok=True)
            raise
