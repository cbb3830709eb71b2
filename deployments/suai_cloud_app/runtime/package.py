"""Packs the application and its libraries into one executable file: `suaicloudapp`.

The file is a shell line that finds Python, followed by a ZIP archive that Python runs. The libraries are the wheels
`requirements.lock` names by their SHA-256, unpacked as they are, so the same sources give the same bytes everywhere.
"""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import IO

_HERE = Path(__file__).parent
_LOCK = _HERE / "requirements.lock"
_AWS_DATA = re.compile(
    r"botocore/data/((_retry|endpoints|partitions|sdk-default-configuration)\.json"
    r"|(s3/2006-03-01|dynamodb/2012-08-10)/(service-2|endpoint-rule-set-1)\..*)"
)
"""botocore's data the application reads; the whole describes 400 services in 130 MB."""
_NOT_AT_RUN_TIME = re.compile(
    r"[^/]+\.data/.*|[^/]+\.dist-info/(RECORD|WHEEL|entry_points\.txt|top_level\.txt|zip-safe)"
)


class PackageError(Exception):
    """The application cannot be packed; the message says why and what to do."""


def build(target: Path, *, wheels: Path | None = None) -> Path:
    """Write the executable file `target` and return it; nothing is written when anything fails.

    `wheels` is a folder that keeps the downloaded libraries from one build to the next. Raises PackageError when they
    are not there and pip cannot fetch them.
    """
    with tempfile.TemporaryDirectory() as scratch:
        entries = _application() | _libraries(wheels or Path(scratch))
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        with unfinished.open("wb") as output:
            output.write((_HERE / "header.sh").read_bytes())
            _write_archive(output, entries)
        unfinished.chmod(0o755)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return target


def _application() -> dict[str, bytes]:
    folder = _HERE / "app"
    sources = {
        f"suaicloudapp/{path.relative_to(folder).as_posix()}": path.read_bytes() for path in folder.rglob("*.py")
    }
    return sources | {"__main__.py": (_HERE / "archive_main.py").read_bytes()}


def _libraries(folder: Path) -> dict[str, bytes]:
    entries: dict[str, bytes] = {}
    for wheel in _wheels(folder):
        with zipfile.ZipFile(wheel) as archive:
            names = [name for name in archive.namelist() if _is_needed(name)]
            entries |= {name: archive.read(name) for name in names}
        if compiled := [name for name in names if name.endswith((".so", ".pyd", ".dylib"))]:
            raise PackageError(f"{wheel.name} has compiled parts ({compiled[0]}), which cannot run from an archive.")
    return entries


def _is_needed(name: str) -> bool:
    if name.startswith("botocore/data/"):
        return _AWS_DATA.fullmatch(name) is not None
    return not name.endswith("/") and _NOT_AT_RUN_TIME.fullmatch(name) is None


def _wheels(folder: Path) -> list[Path]:
    wanted = set(re.findall(r"--hash=sha256:([0-9a-f]{64})", _LOCK.read_text()))
    found = _by_digest(folder)
    if not wanted <= found.keys():
        _download(folder)
        found = _by_digest(folder)
    if missing := wanted - found.keys():
        raise PackageError(f"pip fetched no wheel with SHA-256 {', '.join(sorted(missing))}, as {_LOCK.name} demands.")
    return sorted(found[digest] for digest in wanted)


def _by_digest(folder: Path) -> dict[str, Path]:
    return {hashlib.sha256(wheel.read_bytes()).hexdigest(): wheel for wheel in folder.glob("*.whl")}


def _download(folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--quiet", "--no-deps"]
    command += ["--only-binary=:all:", "--require-hashes", f"--requirement={_LOCK}", f"--dest={folder}"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise PackageError(f"pip cannot fetch the application's libraries ({_LOCK}):\n{done.stderr.strip()}")


def _write_archive(output: IO[bytes], entries: dict[str, bytes]) -> None:
    # stored, not deflated: releases of zlib compress to different bytes, and Python starts faster without
    with zipfile.ZipFile(output, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(entries):
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, wherever this runs
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, entries[name])
