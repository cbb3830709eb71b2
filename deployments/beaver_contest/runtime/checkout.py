"""Reads a checkout of the contest: folders its pages require, folders of tasks, and files that it lacks."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

INTERFACES = ("contestInterface", "teacherInterface")
"""Folders of pages: each is the document root of one environment."""

DOCUMENTED = (
    "contestInterface",
    "dataSanitizer",
    "sync",
    "modelsManager",
    "teacherInterface",
    "schoolsMap",
    "certificates",
)
"""The folders the document lists, beside all files in the root."""

ALSO_NEEDED = ("commonFramework", "config", "ext", "shared", "tasks", "vendor")
"""Folders those include, which the document forgets: without `shared` nothing connects to a database."""

FETCHED_BY_TOOLS = ("vendor", "bower_components", "node_modules")
GENERATED = "contestInterface/contests"
"""Contests generated on a developer's machine, solutions included; environments generate into S3."""

_TASKS_NAME = re.compile(r"(?:.*[-_])?tasks", re.IGNORECASE)
_SOLUTION = re.compile(rb"""\bid\s*=\s*["']solution["']""")
_REQUIRE = re.compile(
    r"""\b(?:require|include)(?:_once)?\b\s*\(?\s*(?:(?:__DIR__|dirname\(\s*__FILE__\s*\))\s*\.\s*)?(["'])([^"'$]+)\1\s*\)?\s*;"""
)
_STATIC = re.compile(r"""\b(?:static_asset|script_tag|stylesheet_tag)\(\s*(["'])(/[^"'$]+)\1""")
_SUBMODULE = re.compile(r"^\s*path\s*=\s*(\S+)\s*$", re.MULTILINE)


@dataclass(frozen=True)
class Lack:
    """A file or folder that pages need and the checkout lacks."""

    path: str
    wanted_by: str
    remedy: str


def needed_folders(source: Path) -> list[str]:
    """Folders of the root that a deployed contest needs: the document's, and those that its pages require."""
    found = {path.parts[0] for path, _ in _required(source) if len(path.parts) > 1 and path.parts[0] != ".."}
    return [*DOCUMENTED, *ALSO_NEEDED, *sorted(found - {*DOCUMENTED, *ALSO_NEEDED})]


def task_folders(root: Path) -> list[str]:
    """Folders below a document root that hold tasks with their solutions.

    They are known by name (`bebras-tasks`, `beaver_tasks`, …) or by a page with an element called `solution`.
    """
    found: list[str] = []
    for interface in INTERFACES:
        for folder, names in _folders(root / interface):
            place = folder.relative_to(root)
            below = any(place.is_relative_to(known) for known in found)
            if not below and folder != root / interface and _TASKS_NAME.fullmatch(folder.name):
                found.append(place.as_posix())
            elif not below and any(_has_solution(folder / name) for name in names):
                found.append("/".join(place.parts[:2]))
    return sorted(set(found) - {*INTERFACES, GENERATED})


def lacks(source: Path) -> list[Lack]:
    """Everything that pages of the checkout need and that it lacks: required files, submodules, static files."""
    found = [
        Lack(path.as_posix(), wanted_by, _remedy(path.as_posix()))
        for path, wanted_by in _required(source)
        if not (source / path).exists()
    ]
    found += _empty_submodules(source, Path(), needed_folders(source))
    for interface in INTERFACES:
        for page in sorted((source / interface).glob("*.php")):
            for line, name in _matches(_STATIC, page):
                path = f"{interface}{name}"
                if "__" not in name and not name.endswith("/") and not (source / path).is_file():
                    found.append(Lack(path, f"{interface}/{page.name}:{line}", _remedy(path)))
    return found


def lacks_told(found: Iterable[Lack]) -> list[str]:
    """One warning: what each command would bring, with the first page that wants it.

    >>> lacks_told([Lack("vendor/autoload.php", "contestInterface/index.php:113", "composer install")])
    ['composer install brings vendor/autoload.php (wanted by contestInterface/index.php:113)']
    """
    remedies: dict[str, list[Lack]] = {}
    for each in found:
        remedies.setdefault(each.remedy, []).append(each)
    told = []
    for remedy, these in remedies.items():
        paths = list(dict.fromkeys(each.path for each in these))
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        told.append(f"{remedy} brings {paths[0]}{more} (wanted by {these[0].wanted_by})")
    return told


def code_files(root: Path) -> Iterator[Path]:
    """The PHP files that the contest itself consists of: without libraries, tasks and what Quintet adds."""
    spared = [root / name for name in (*task_folders(root), GENERATED, "quintet", "config_local.php")]
    for path in sorted(root.rglob("*")):
        if path.suffix in (".php", ".inc") and path.is_file():
            fetched = any(part in FETCHED_BY_TOOLS for part in path.relative_to(root).parts)
            if not fetched and not any(path.is_relative_to(each) for each in spared):
                yield path


def _empty_submodules(source: Path, place: Path, folders: Sequence[str]) -> Iterator[Lack]:
    """Submodules below `place` that were not fetched, and those of submodules: a clone fetches neither by itself."""
    modules = place / ".gitmodules"
    text = (source / modules).read_text(encoding="utf-8") if (source / modules).is_file() else ""
    for name in _SUBMODULE.findall(text):
        path = place / name
        if path.parts[0] not in folders:
            continue
        if (source / path).is_dir() and any((source / path).iterdir()):
            yield from _empty_submodules(source, path, folders)
        else:
            outermost = path if place == Path() else place
            remedy = f"git submodule update --init --recursive {outermost.as_posix()}"
            yield Lack(f"{path.as_posix()}/", modules.as_posix(), remedy)


def _required(source: Path) -> list[tuple[Path, str]]:
    """Files that pages require, directly or not, relative to the root, each with the file and line that does."""
    waiting = deque(path for interface in INTERFACES for path in sorted((source / interface).glob("*.php")))
    seen = set(waiting)
    found: dict[Path, str] = {}
    while waiting:
        file = waiting.popleft()
        for line, name in _matches(_REQUIRE, file):
            # a plain path is looked up beside the page that runs, which is in one of the two interfaces
            bases = [file.parent, *(source / interface for interface in INTERFACES)]
            targets = [_inside(source, base / name.lstrip("/")) for base in bases]
            there = [target for target in targets if target and (source / target).is_file()]
            target = there[0] if there else targets[0]
            if target is None or target.as_posix() == "config_local.php":
                continue
            found.setdefault(target, f"{file.relative_to(source).as_posix()}:{line}")
            path = source / target
            if there and path not in seen and target.parts[0] != "vendor":
                seen.add(path)
                waiting.append(path)
    return list(found.items())


def _inside(source: Path, path: Path) -> Path | None:
    parts: list[str] = []
    for part in path.relative_to(source).parts:
        if part == "..":
            if not parts:
                return None
            parts.pop()
        elif part != ".":
            parts.append(part)
    return Path(*parts)


def _matches(pattern: re.Pattern[str], file: Path) -> Iterator[tuple[int, str]]:
    """Line and second group of each match outside of comments and of code that asks first whether the file exists."""
    text = file.read_text(encoding="utf-8", errors="replace")
    for match in pattern.finditer(text):
        line = text[text.rfind("\n", 0, match.start()) + 1 : match.start()].lstrip()
        asked = re.search(r"\b(?:is_readable|file_exists|is_file)\s*\([^;]*$", text[: match.start()][-200:])
        if not line.startswith(("//", "#", "*", "/*")) and not asked:
            yield text.count("\n", 0, match.start()) + 1, match[2]


def _folders(top: Path) -> Iterator[tuple[Path, list[str]]]:
    """Each folder below `top` with its pages, parents first, without libraries."""
    if not top.is_dir():
        return
    waiting = deque([top])
    while waiting:
        folder = waiting.popleft()
        entries = sorted(folder.iterdir())
        yield folder, [path.name for path in entries if path.suffix in (".html", ".htm") and path.is_file()]
        if not (folder != top and _TASKS_NAME.fullmatch(folder.name)):
            waiting.extend(path for path in entries if path.is_dir() and path.name not in FETCHED_BY_TOOLS)


def _has_solution(page: Path) -> bool:
    return _SOLUTION.search(page.read_bytes()) is not None


def _remedy(path: str) -> str:
    if path.startswith("vendor/"):
        return "composer install"
    for interface in INTERFACES:
        if path.startswith(f"{interface}/bower_components/"):
            return f"bower install in {interface}"
    return "git submodule update --init --recursive, or another revision,"
