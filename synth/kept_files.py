"""Files kept between runs under a key that stands for all they were made from.

A file's name carries its key and the hash of its bytes, so that a damaged one is never taken.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterable
from pathlib import Path

from synth.whole_file import write_whole


def cache_folders(purpose: str) -> tuple[Path, ...]:
    """The folders that may keep files for `purpose`, the checkout's first, then the user's for a read-only checkout.

    Never a folder that others can write: the kernel runs what is in the archives.
    """
    places = [Path(__file__).resolve().parents[1] / ".cache"]
    for variable, below in (("XDG_CACHE_HOME", ()), ("HOME", (".cache",))):
        if place := os.environ.get(variable):
            places.append(Path(place, *below, "quintet"))
    return tuple(place / purpose for place in places)


def find(folders: Iterable[Path], key: str, suffix: str) -> Path | None:
    """The whole file kept under `key` in one of the folders; None when there is none."""
    for folder in folders:
        for file in folder.glob(f"{key}-*{suffix}"):
            with contextlib.suppress(FileNotFoundError):  # another process may be tidying up
                if file.name == _name(key, file.read_bytes(), suffix):
                    return file
    return None


def keep(folders: Iterable[Path], key: str, content: bytes, suffix: str, *, most: int) -> Path:
    """Writes `content` into the first folder that can be written, and drops all but the newest `most` files there.

    Raises OSError when none can be written.
    """
    refusals = []
    for folder in folders:
        file = folder / _name(key, content, suffix)
        try:
            write_whole(file, content)
        except OSError as error:
            refusals.append(str(error))
            continue
        with contextlib.suppress(OSError):  # another process may be tidying up as well
            for old in sorted(folder.iterdir(), key=lambda kept: kept.stat().st_mtime, reverse=True)[most:]:
                old.unlink()
        return file
    raise OSError(f"no cache folder can be written ({'; '.join(refusals)})")


def _name(key: str, content: bytes, suffix: str) -> str:
    return f"{key}-{hashlib.sha256(content).hexdigest()[:16]}{suffix}"
