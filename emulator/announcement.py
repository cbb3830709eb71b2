"""Where a running emulator is, written down for the other commands of this repository."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from emulator.errors import EmulatorError
from emulator.server import STATUS_PATH, ask

if TYPE_CHECKING:
    from pathlib import Path


_END_SECONDS = 10


@dataclass(frozen=True)
class Announcement:
    """A running emulator: its URL, its process, its secret, and the account and region it was started for."""

    endpoint: str
    pid: int
    secret: str
    account_id: str
    region: str


def announce(root: Path, announcement: Announcement) -> None:
    """Write the emulator down in the repository at `root`, in place of any other; the file is never half-written."""
    path = _path(root)
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps(asdict(announcement)))
    draft.replace(path)


def withdraw(root: Path, announcement: Announcement) -> None:
    """Remove what `announce` wrote, unless another emulator has been announced since."""
    if _read(root) == announcement:
        _path(root).unlink(missing_ok=True)


def end(root: Path) -> Announcement:
    """End the announced emulator and wait until it is gone. EmulatorError when none answers or it does not end."""
    announcement = find(root)
    if ask(announcement.endpoint, STATUS_PATH)["pid"] != announcement.pid:
        message = f"The emulator at {announcement.endpoint} is not the announced process {announcement.pid}."
        raise EmulatorError(message, hint="End it where it was started.")
    os.killpg(announcement.pid, signal.SIGTERM)
    give_up = time.monotonic() + _END_SECONDS
    while time.monotonic() < give_up:
        try:
            ask(announcement.endpoint, STATUS_PATH)
        except (OSError, ValueError):
            withdraw(root, announcement)
            return announcement
        time.sleep(0.05)
    raise EmulatorError(f"The emulator does not end: process {announcement.pid}.", hint=f"kill -9 {announcement.pid}")


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
    """The announcement; None when there is none, or none that can be read."""
    with contextlib.suppress(OSError, ValueError, TypeError):
        return Announcement(**json.loads(_path(root).read_text()))
    return None
