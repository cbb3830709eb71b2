"""Code that is deployed as it stands in the repository: packed and named by its content, the same on every machine."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path

_LEFT_OUT = ("__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache")


def source_files(folder: Path) -> list[Path]:
    """Every file below `folder` that somebody wrote, in a fixed order."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in files if not any(part in _LEFT_OUT for part in path.parts))


def archive(folder: Path, files: Iterable[Path]) -> bytes:
    """A ZIP archive of `files` under their paths in `folder`; the same files give the same bytes everywhere."""
    return pack({path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(files)})


def pack(entries: Mapping[str, bytes]) -> bytes:
    """A ZIP archive of `entries` under their names, in the order given; the same entries give the same bytes."""
    buffer = io.BytesIO()
    # stored, not deflated: releases of zlib compress to different bytes
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as target:
        for name, content in entries.items():
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, wherever this runs
            entry.external_attr = 0o100644 << 16
            target.writestr(entry, content)
    return buffer.getvalue()


def digest(folder: Path) -> str:
    """Twelve hexadecimal digits that change with any file below `folder`, its name included."""
    found = hashlib.sha256()
    for path in source_files(folder):
        found.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()[:12]
