"""Where a running emulator is, written down for the other commands of this repository."""

from __future__ import annotations

import contextlib
import json
import os
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from emulator.errors import EmulatorError
from emulator.server import STATUS_PATH, ask

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Announcement:
    """A running emulator: its URL and its process."""

    endpoint: str
    pid: int


def announce(root: Path, announcement: Announcement) -> None:
    """Write the emulator down in the repository at `root`, in place of any other; the file is never half-written."""
    path = _path(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.write_text(json.dumps(asdict(announcement)))
    draft.replace(path)


def withdraw(root: Path, announcement: Announcement) -> None:
    """Remove what `announce` wrote, unless another emulator has been announced since."""
    if _read(root) == announcement:
        _path(root).unlink(missing_ok=True)


def find(root: Path) -> Announcement:
    """The announced emulator, after a look whether it answers. EmulatorError when none is announced or none answers."""
    announcement = _read(root)
    hint = "Start one with: quintet emulator run"
    if announcement is None:
        raise EmulatorError("No emulator is running for this repository.", hint=hint)
    try:
        ask(announcement.endpoint, STATUS_PATH)
    except (OSError, ValueError) as error:
        raise EmulatorError(f"The emulator at {announcement.endpoint} does not answer ({error}).", hint=hint) from error
    return announcement


def _path(root: Path) -> Path:
    return root / ".runs" / "emulator.json"


def _read(root: Path) -> Announcement | None:
    """What is announced; None when nothing is, or nothing that can be read."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return Announcement(**json.loads(_path(root).read_text()))
    return None
