"""Changes that upstream's PHP 5 code needs on PHP 8, applied to the copy that becomes a bundle.

Facts of 2026-11-28, run on PHP 8.2 to 8.5 with France-ioi/bebras-platform at 13e4022. Each change may be applied again
to code that has it; code of another shape is refused with its file and line.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from deployments.beaver_contest.runtime.checkout import code_files

LIBRARIES = (
    ("guzzlehttp/guzzle", (6, 3), None, "count(null) ends every page that uses AWS"),
    ("aws/aws-sdk-php", (3, 36, 37), None, "each() ends the first answer saved in DynamoDB"),
    ("phpmailer/phpmailer", None, (6,), "the global class PHPMailer is gone"),
)
"""Library, least version, first version that no longer fits, and what happens with another one."""

COMPOSER = 'composer require guzzlehttp/guzzle:^7.8 aws/aws-sdk-php:^3.314 "phpmailer/phpmailer:^5.2" -W'

_SIGNATURES = {
    "query": ", $fetchMode = null, ...$fetchModeArgs",
    "quote": ", $type = PDO::PARAM_STR",
    "fetchAll": " = PDO::FETCH_DEFAULT, ...$args",
    "setFetchMode": ", ...$args",
}
"""Methods of PDO and PDOStatement whose parameters grew in PHP 8 → text that follows the first one."""

_NEW_RETURN_TYPES = {*_SIGNATURES, "prepare", "exec", "execute", "fetch", "fetchColumn", "fetchObject"}
_SUBCLASS = re.compile(r"\bclass\s+\w+\s+extends\s+\\?PDO(?:Statement)?\b[^{]*\{", re.IGNORECASE)
_METHOD = re.compile(
    r"(?P<attribute>#\[\\ReturnTypeWillChange\]\s*)?(?P<modifiers>(?:\b(?:public|final|static)\s+)*)"
    r"\bfunction\s+&?(?P<name>\w+)\s*\((?P<parameters>[^)]*)\)(?P<type>\s*:)?",
)
_ONE_PARAMETER = re.compile(r"\s*(?:\??\w+\s+)?\$\w+\s*")
_IMPLODE = re.compile(r"(?:(?<![\w$>:\\])\\?implode|(?<![\w$>:\\.])\\?join)\s*\(", re.IGNORECASE)
_LITERAL = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')""", re.DOTALL)
_ERROR_MODE = re.compile(
    r"(?P<assigned>(?P<options>\$\w+)\s*\[\s*\\?PDO::ATTR_ERRMODE\s*\]\s*=\s*[^;]+;)"
    r"|(?P<set>(?P<connection>\$[\w>-]+)->setAttribute\(\s*\\?PDO::ATTR_ERRMODE\s*,[^;]+;)"
    r"|(?P<listed>\\?PDO::ATTR_ERRMODE\s*=>\s*[\\\w:]+)"
)
_CONNECTS = re.compile(r"\bnew\s+\\?PDO\s*\(")
_OPTIONS_ARGUMENT = 3


class MendingError(Exception):
    """Code that cannot be changed mechanically; the message says where, and what it needs."""


@dataclass(frozen=True)
class Mending:
    """One kind of change, and where it was made."""

    name: str
    what: str
    places: tuple[str, ...]

    def __str__(self) -> str:
        shown = ", ".join(self.places[:3])
        more = f" and {len(self.places) - 3} more" if len(self.places) > len(self.places[:3]) else ""
        return f"{self.name}: {self.what} ({shown}{more})"


def mend(stage: Path) -> list[Mending]:
    """Change the code in `stage`; returns the kinds of changes that were needed. Raises MendingError."""
    files = list(code_files(stage))
    kinds: tuple[tuple[str, str, Callable[[str], tuple[str, list[int]]]], ...] = (
        ("M1", "methods of PDO's subclasses take what PHP 8's take", _with_signatures),
        ("M3", "implode() gets its separator first", _with_implode),
        ("M4", "PDO returns strings, as before PHP 8.1", _with_strings),
    )
    made = [Mending("M2", "get_magic_quotes_gpc() comes from quintet/polyfill.php", tuple(_asking(stage, files)))]
    for name, what, change in kinds:
        places = []
        for file in files:
            place = file.relative_to(stage).as_posix()
            # bytes of any encoding survive the way there and back
            text = file.read_bytes().decode("latin-1")
            try:
                changed, lines = change(text)
            except _UnknownShapeError as error:
                raise MendingError(f"{place}:{_line(text, error.at)}: {name} cannot be applied: {error}.") from None
            if changed != text:
                file.write_bytes(changed.encode("latin-1"))
                places += [f"{place}:{line}" for line in lines]
        made.append(Mending(name, what, tuple(places)))
    return sorted((each for each in made if each.places), key=lambda each: each.name)


def check_libraries(folder: Path) -> str | None:
    """Look at the versions of the libraries in `folder`; returns a warning when nothing says which they are.

    Raises MendingError (M5) for versions with which pages die.
    """
    for name in ("vendor/composer/installed.json", "composer.lock"):
        if (folder / name).is_file():
            document = json.loads((folder / name).read_text(encoding="utf-8"))
            break
    else:
        return "Nothing says which versions vendor/ has: M5 is not checked." if (folder / "vendor").is_dir() else None
    packages = document if isinstance(document, list) else document.get("packages", [])
    versions = {package.get("name"): str(package.get("version", "")) for package in packages}
    wrong = [
        f"{library} {versions[library]} ({consequence})"
        for library, least, end, consequence in LIBRARIES
        if (number := _numbers(versions.get(library, ""))) and ((least and number < least) or (end and number >= end))
    ]
    if wrong:
        raise MendingError(f"M5: {name} has {', '.join(wrong)}. In the checkout: {COMPOSER}")
    return None


class _UnknownShapeError(Exception):
    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


def _asking(stage: Path, files: list[Path]) -> Iterator[str]:
    for file in files:
        text = file.read_text(encoding="latin-1")
        for match in re.finditer(r"\bget_magic_quotes_gpc\s*\(", text):
            yield f"{file.relative_to(stage).as_posix()}:{_line(text, match.start())}"


def _with_signatures(text: str) -> tuple[str, list[int]]:
    changes: list[tuple[int, int, str]] = []
    for found in _SUBCLASS.finditer(text):
        end = _closing(text, found.end() - 1)
        for method in _METHOD.finditer(text, found.end(), end):
            name, parameters = method["name"], method["parameters"]
            if name not in _NEW_RETURN_TYPES:
                continue
            if name in _SIGNATURES and "..." not in parameters and "," not in parameters:
                if not _ONE_PARAMETER.fullmatch(parameters):
                    raise _UnknownShapeError(f"{name}({parameters.strip()}) of a subclass of PDO", method.start("name"))
                start, stop = method.span("parameters")
                changes.append((start, stop, f"{parameters.rstrip()}{_SIGNATURES[name]}"))
            if method["type"] is None and method["attribute"] is None:
                start = method.start("modifiers")
                changes.append((start, start, "#[\\ReturnTypeWillChange] "))
    return _changed(text, changes)


def _with_implode(text: str) -> tuple[str, list[int]]:
    changes: list[tuple[int, int, str]] = []
    for found in _IMPLODE.finditer(text):
        if _is_comment(text, found.start()):
            continue
        spans = _arguments(text, found.end() - 1)
        parts = [text[start:stop] for start, stop in spans]
        if len(parts) == 2 and _is_text(parts[1]) and not _is_text(parts[0]):
            swapped = f"{_space(parts[0])[0]}{parts[1].strip()}, {parts[0].strip()}{_space(parts[1])[1]}"
            changes.append((spans[0][0], spans[1][1], swapped))
    return _changed(text, changes, nested=True)


def _with_strings(text: str) -> tuple[str, list[int]]:
    if "ATTR_STRINGIFY_FETCHES" in text:
        return text, []
    changes: list[tuple[int, int, str]] = []
    modes = [found for found in _ERROR_MODE.finditer(text) if not _is_comment(text, found.start())]
    for found in modes:
        if found["assigned"]:
            added = f" {found['options']}[PDO::ATTR_STRINGIFY_FETCHES] = true;"
        elif found["set"]:
            added = f" {found['connection']}->setAttribute(PDO::ATTR_STRINGIFY_FETCHES, true);"
        else:
            added = ", PDO::ATTR_STRINGIFY_FETCHES => true"
        changes.append((found.end(), found.end(), added))
    for found in _CONNECTS.finditer(text) if not modes else ():
        if _is_comment(text, found.start()):
            continue
        spans = _arguments(text, found.end() - 1)
        if len(spans) > _OPTIONS_ARGUMENT:
            raise _UnknownShapeError(
                "new PDO with options that name no PDO::ATTR_ERRMODE; add PDO::ATTR_STRINGIFY_FETCHES => true to them",
                found.start(),
            )
        missing = ", null" * (_OPTIONS_ARGUMENT - len(spans))
        end = spans[-1][1]
        changes.append((end, end, f"{missing}, [PDO::ATTR_STRINGIFY_FETCHES => true]"))
    return _changed(text, changes)


def _changed(text: str, changes: list[tuple[int, int, str]], *, nested: bool = False) -> tuple[str, list[int]]:
    lines = sorted({_line(text, start) for start, _, _ in changes})
    if nested and len(changes) > 1:  # one may lie within another: change one, and look again
        start, stop, new = changes[-1]
        again, _ = _with_implode(text[:start] + new + text[stop:])
        return again, lines
    for start, stop, new in sorted(changes, reverse=True):
        text = text[:start] + new + text[stop:]
    return text, lines


def _arguments(text: str, opening: int) -> list[tuple[int, int]]:
    """Where the arguments between the bracket at `opening` and its closing one begin and end."""
    closing = _closing(text, opening)
    cuts = [opening, *(at for at, depth in _walk(text, opening, closing) if text[at] == "," and depth == 1), closing]
    spans = [(start + 1, stop) for start, stop in pairwise(cuts)]
    return [] if len(spans) == 1 and not text[slice(*spans[0])].strip() else spans


def _closing(text: str, opening: int) -> int:
    for at, depth in _walk(text, opening, len(text)):
        if depth == 0:
            return at
    raise _UnknownShapeError("a bracket is never closed", opening)


_TOKEN = re.compile(
    r"""(?P<bracket>[()\[\]{},])|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|/\*.*?\*/|(?://|\#(?!\[))[^\n]*""", re.DOTALL
)


def _walk(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Brackets and commas outside of strings and comments, with the depth after each."""
    depth = 0
    for token in _TOKEN.finditer(text, start, min(end + 1, len(text))):
        if token["bracket"] is None:
            continue
        depth += {"(": 1, "[": 1, "{": 1, ",": 0}.get(token["bracket"], -1)
        yield token.start(), depth


def _is_text(argument: str) -> bool:
    """True for an argument that is a string: a literal, or pieces one of which is."""
    return _LITERAL.match(argument.strip()) is not None or argument.strip() == "PHP_EOL"


def _is_comment(text: str, at: int) -> bool:
    before = text[text.rfind("\n", 0, at) + 1 : at]
    return before.lstrip().startswith(("//", "#", "*"))


def _space(part: str) -> tuple[str, str]:
    return part[: len(part) - len(part.lstrip())], part[len(part.rstrip()) :]


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"v?(\d+(?:\.\d+)*)", version)
    return tuple(map(int, found[1].split("."))) if found else ()
