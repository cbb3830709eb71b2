"""The source bundle that Beanstalk runs: a checkout of the contest, prepared as its document's script does.

The same checkout gives the same bytes with the same tools.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from deployments.beaver_contest.runtime.checkout import (
    GENERATED,
    INTERFACES,
    lacks,
    lacks_told,
    needed_folders,
    task_folders,
)
from deployments.beaver_contest.runtime.mendings import MendingError, check_libraries, mend
from deployments.beaver_contest.runtime.php import LintError, lint

RELEASES = "releases/"
"""Below which bundles stand in the bucket of releases."""

LARGEST_BYTES = 500_000_000
"""What Beanstalk takes."""

LANGUAGE = "fr"
_TASKS_LIST = "quintet/tasks"
"""Lists the folders of tasks in the bundle: instances that serve contests delete them before a version starts."""

_UNWANTED = shutil.ignore_patterns(".git", ".svn", ".hg", "node_modules", ".DS_Store")
_HERE = Path(__file__).parent
_SECONDS = 900


class BundleError(Exception):
    """The bundle cannot be built; the message says why and what to do."""


@dataclass(frozen=True)
class Bundle:
    """A bundle in a file."""

    path: Path
    label: str
    """Of its content alone: the same content is the same version."""
    files: int
    size_bytes: int
    stage: Path
    """The folder that was packed."""
    told: tuple[str, ...]
    """Changes made to the code, and warnings about what the checkout lacks."""


def build(source: Path, workspace: Path, *, folders: Sequence[str] = (), php: str | None = None) -> Bundle:
    """Build the bundle of the checkout `source`, which stays as it is, in the empty folder `workspace`.

    `folders` are taken along besides; `php` is the platform's version, with which the code is checked. Raises
    BundleError when the checkout is not one of the contest, its code or libraries cannot run on PHP 8, a tool that it
    needs is missing or fails, or the bundle is larger than Beanstalk takes.
    """
    stage = workspace / "stage"
    copy(source, stage, folders=folders)
    told = [*prepare(stage, php=php), *warnings(source)]
    label = add_ours(stage)
    target = workspace / f"{label}.zip"
    with target.open("wb") as output:
        files = write_zip(_entries(stage), output, zipfile.ZIP_DEFLATED)
    size = target.stat().st_size
    if size > LARGEST_BYTES:
        heaviest = ", ".join(f"{name} {octets / 1e6:.0f} MB" for name, octets in _heaviest(stage))
        raise BundleError(
            f"The bundle has {size / 1e6:.0f} MB, Beanstalk takes {LARGEST_BYTES / 1e6:.0f} MB. Largest: {heaviest}."
        )
    return Bundle(target, label, files, size, stage, tuple(told))


@contextmanager
def staged(source: Path, *, folders: Sequence[str] = (), php: str | None = None) -> Iterator[Bundle]:
    """A bundle that lasts as long as the block; see `build`."""
    with tempfile.TemporaryDirectory(prefix="quintet-beaver-") as folder:
        yield build(source, Path(folder), folders=folders, php=php)


def warnings(source: Path) -> list[str]:
    """One warning about everything that pages of the checkout need and that it lacks; none when it lacks nothing."""
    told = lacks_told(lacks(source))
    return ["Missing; pages that need it will fail:\n" + "\n".join(f"  {line}" for line in told)] if told else []


def placeholder() -> bytes:
    """The bundle that environments begin with: two pages that answer, and what every bundle gets from us."""
    entries = sorted([*_entries(_HERE / "added"), *_entries(_HERE / "placeholder")])
    output = io.BytesIO()
    # stored, not deflated: this one is committed, and releases of zlib compress to different bytes
    write_zip(entries, output, zipfile.ZIP_STORED)
    return output.getvalue()


def copy(source: Path, stage: Path, *, folders: Sequence[str] = ()) -> None:
    """Copy the files in the root of `source` and the folders that are needed, without what version control keeps.

    Raises BundleError when a folder without which nothing runs is missing, or a link leads out of the checkout.
    """
    missing = [name for name in (*INTERFACES, *folders) if not (source / name).is_dir()]
    if missing:
        raise BundleError(f"{source} has no folder {', '.join(missing)}: is it a checkout of the contest?")
    root = source.resolve()
    stage.mkdir(parents=True)
    for path in sorted(source.iterdir()):
        # its own configuration holds somebody's passwords; ours takes its place
        if path.is_file() and path.name != "config_local.php" and not path.name.startswith(".git"):
            _refuse_outside(path, root)
            shutil.copyfile(path, stage / path.name)
    for name in dict.fromkeys([*needed_folders(source), *folders]):
        if (source / name).is_dir():
            for path in (source / name).rglob("*"):
                if path.is_symlink():
                    _refuse_outside(path, root)
            shutil.copytree(source / name, stage / name, ignore=_UNWANTED)
    shutil.rmtree(stage / GENERATED, ignore_errors=True)


def prepare(stage: Path, *, php: str | None = None) -> list[str]:
    """Do to the copy what the document's script does, and what PHP 8 needs; returns what was changed.

    Removals, libraries, indexes, front pages; then the code is changed, and checked with the platform's PHP `php`.
    Raises BundleError.
    """
    for folder in task_folders(stage):
        (stage / folder / ".htaccess").unlink(missing_ok=True)
        for old in (stage / folder).glob("*2015*"):
            shutil.rmtree(old) if old.is_dir() else old.unlink()
    told: list[str | None] = []
    try:
        if not (stage / "vendor" / "autoload.php").is_file():
            told.append(check_libraries(stage))  # composer would install what the lock file says
            if (stage / "composer.json").is_file():
                _install_libraries(stage)
        told.append(check_libraries(stage))
        if (stage / "contestInterface" / "generateIndexes.php").is_file():
            _run(stage, "php", "contestInterface/generateIndexes.php")
        _front_pages(stage)
        told += map(str, mend(stage))
        told.append(lint(stage, php) if php else None)
    except (MendingError, LintError) as error:
        raise BundleError(f"{error}") from None
    return list(dict.fromkeys(filter(None, told)))


def add_ours(stage: Path) -> str:
    """Add what every bundle gets from us, and return the version that now stands in `quintet/version`."""
    for path in sorted((_HERE / "added").rglob("*")):
        if path.is_file():
            target = stage / path.relative_to(_HERE / "added")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    tasks = task_folders(stage)
    for folder in tasks:
        shutil.copyfile(stage / "quintet" / "tasks.htaccess", stage / folder / ".htaccess")
    (stage / _TASKS_LIST).write_text("".join(f"{folder}\n" for folder in tasks), encoding="utf-8")
    digest = hashlib.sha256()
    for name, path in _entries(stage):
        digest.update(f"{name}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as content:
            shutil.copyfileobj(content, _Feed(digest))
    label = digest.hexdigest()[:16]
    (stage / "quintet" / "version").write_text(f"{label}\n", encoding="utf-8")
    return label


def write_zip(entries: Sequence[tuple[str, Path]], output: IO[bytes], compression: int) -> int:
    """Write a ZIP archive whose bytes depend on names and contents alone; returns the number of files."""
    with zipfile.ZipFile(output, "w", compression, compresslevel=9) as archive:
        for name, path in entries:
            entry = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system = 3  # Unix, wherever this runs
            entry.external_attr = (0o100755 if name.endswith(".sh") else 0o100644) << 16
            entry.compress_type = compression
            entry.file_size = path.stat().st_size
            with path.open("rb") as content, archive.open(entry, "w") as packed:
                shutil.copyfileobj(content, packed)
    return len(entries)


class _Feed:
    """Lets a digest be written to like a file."""

    def __init__(self, digest: hashlib._Hash) -> None:
        self._digest = digest

    def write(self, octets: bytes) -> int:
        """Take the octets in."""
        self._digest.update(octets)
        return len(octets)


def _entries(folder: Path) -> list[tuple[str, Path]]:
    return sorted(
        (path.relative_to(folder).as_posix(), path)
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )


def _heaviest(stage: Path) -> Iterator[tuple[str, int]]:
    sizes: dict[str, int] = {}
    for name, path in _entries(stage):
        top = "/".join(name.split("/")[:2])
        sizes[top] = sizes.get(top, 0) + path.stat().st_size
    yield from sorted(sizes.items(), key=lambda item: -item[1])[:3]


def _front_pages(stage: Path) -> None:
    """The document's French pages become the front pages; upstream's `index.php` stay as they are."""
    for interface in INTERFACES:
        page = stage / interface / f"index_{LANGUAGE}.html"
        if page.is_file():
            shutil.copyfile(page, page.with_name("index.html"))
        elif not any((stage / interface / name).is_file() for name in ("index.php", "index.html")):
            raise BundleError(
                f"{interface} has no front page: neither index.php nor index.html nor {page.name}, "
                "which would become index.html."
            )


def _install_libraries(stage: Path) -> None:
    if shutil.which("composer") is not None:
        _run(stage, "composer", "install", "--quiet", "--no-interaction")
    else:
        raise BundleError(
            "composer.json asks for libraries, there is no composer to install them, and vendor/ is not in the "
            "checkout. Install composer, or run it in the checkout elsewhere."
        )


def _run(stage: Path, *command: str) -> None:
    if shutil.which(command[0]) is None:
        raise BundleError(f"{command[0]} is needed for: {' '.join(command)}. Install it.")
    try:
        done = subprocess.run(command, cwd=stage, check=False, capture_output=True, text=True, timeout=_SECONDS)
    except subprocess.TimeoutExpired:
        raise BundleError(f"{' '.join(command)} did not end within {_SECONDS} seconds.") from None
    if done.returncode:
        raise BundleError(f"{' '.join(command)} failed:\n{(done.stderr or done.stdout).strip()[-2000:]}")


def _refuse_outside(path: Path, root: Path) -> None:
    if not path.resolve().is_relative_to(root):
        raise BundleError(f"{path} leads out of the checkout, to {path.resolve()}.")
