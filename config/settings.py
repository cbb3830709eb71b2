"""Settings as operators write them: closed, frozen, and refused with everything wrong at once.

Pure Python: nothing below `config` imports cdktf, so a wrong file is refused in a fraction of a second.
"""

from __future__ import annotations

import difflib
import json
import re
import stat
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from types import UnionType
from typing import Annotated, Self, TypeVar, Union, cast, get_args, get_origin

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

ROOT = Path(__file__).resolve().parent.parent


class Settings(BaseModel):
    """Base of everything operators may set: frozen, complete, unknown keys refused, no silent conversions.

    What code gives, defaults and copies included, is checked as what a file says.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        validate_default=True,
    )

    def model_copy(self, *, update: Mapping[str, object] | None = None, deep: bool = False) -> Self:
        """A copy with other values, checked. Raises pydantic's ValidationError."""
        del deep  # nothing in it changes
        return self.model_validate({**dict(self), **(update or {})})


S = TypeVar("S", bound=Settings)
T = TypeVar("T")

_LARGEST_BYTES = 262_144
_DEEPEST = 16
_TOO_DEEP = f"is nested more than {_DEEPEST} deep"
_MOST_PROBLEMS = 50
"""Problems of one file that are said; who has more has another kind of file."""


class SettingsRefusal(ValueError):
    """Raised by validators that look at several keys: `at` says which key below the validated one is to blame."""

    def __init__(self, message: str, *at: str | int) -> None:
        super().__init__(message)
        self.at = at


def each_once(values: tuple[str, ...]) -> tuple[str, ...]:
    """`values`. Raises SettingsRefusal at the first that is named before."""
    for index, value in enumerate(values):
        if value in values[:index]:
            raise SettingsRefusal(f"{value} is named twice", index)
    return values


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong in one settings file: where, what was found, what is allowed."""

    file: str
    key: str
    value: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}: {self.key}" if self.key else self.file
        return f"{place} = {self.value}: {self.message}" if self.value else f"{place}: {self.message}"


class SettingsError(Exception):
    """Settings were refused; `problems` lists every problem of every file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


def load(path: Path, model: type[S]) -> S:
    """The settings in the TOML file `path`.

    Raises SettingsError with every problem of the file: unreadable, not TOML (with the line), unknown key
    (with the nearest known one), missing key, value out of bounds.
    """
    file = display_name(path)
    document = _read(path, file)
    if unusable := list(_unusable(file, document)):
        raise SettingsError(unusable[:_MOST_PROBLEMS])
    try:
        # As JSON, pydantic's strict mode turns lists into tuples, and nothing else bends.
        settings = model.model_validate_json(json.dumps(document, default=str))
    except ValidationError as error:
        raise SettingsError(_problems(file, model, document, error)) from None
    if dates := list(_dates_as_text(file, document, settings)):
        raise SettingsError(dates)
    return settings


def checked(kind: object, name: str, value: T) -> T:
    """A value that code gives for `name`, checked as settings of the type `kind` are. Raises ValueError."""
    try:
        found: T = TypeAdapter(cast("type[T]", kind), config=ConfigDict(strict=True)).validate_python(value)
    except ValidationError as error:
        raise ValueError(
            "; ".join(f"{name} = {_shown(value)}: {_message(detail)}" for detail in error.errors())
        ) from None
    return found


def _read(path: Path, file: str) -> Mapping[str, object]:
    """The document in the file. Raises SettingsError."""
    text = ""
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise SettingsError([Problem(file, "", "", "is not a file that holds text")])
        if found.st_size > _LARGEST_BYTES:
            message = f"has {found.st_size} bytes; settings have at most {_LARGEST_BYTES}"
            raise SettingsError([Problem(file, "", "", message)])
        text = path.read_bytes().decode("utf-8")
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([Problem(file, "", "", f"is not valid TOML: {error}{_typing_slip(text, error)}")]) from None
    except UnicodeDecodeError as error:
        raise SettingsError([Problem(file, "", "", f"is not UTF-8 text: byte {error.start}")]) from None
    except OSError as error:
        raise SettingsError([Problem(file, "", "", f"cannot be read: {error.strerror}")]) from None
    except RecursionError:
        raise SettingsError([Problem(file, "", "", _TOO_DEEP)]) from None
    except ValueError:  # Python reads no integer of more than 4,300 digits
        found_line = re.search(r"(?m)^[ \t]*([\w.-]{1,80})[ \t]*=[^\n]*[0-9]{4301}", text)
        key = found_line[1] if found_line else ""
        raise SettingsError([Problem(file, key, "", "has a number that no setting can have")]) from None


def _unusable(file: str, document: Mapping[str, object]) -> Iterator[Problem]:
    """Texts and shapes that no setting may have, whatever it is for."""
    waiting: list[tuple[tuple[int | str, ...], object]] = [((), document)]
    while waiting:
        location, value = waiting.pop()
        if len(location) > _DEEPEST:
            yield Problem(file, _dotted(location[:3]), "", _TOO_DEEP)
            return
        if isinstance(value, Mapping):
            for key in value:
                yield from _unusable_text(file, _dotted((*location, key)), key)
            waiting.extend(((*location, key), part) for key, part in value.items())
        elif isinstance(value, list):
            waiting.extend(((*location, index), part) for index, part in enumerate(value))
        elif isinstance(value, str):
            yield from _unusable_text(file, _dotted(location), value)
        elif isinstance(value, int) and abs(value) >= 2**63:
            yield Problem(file, _dotted(location), _shown(value), "is a number that no setting can have")


def _unusable_text(file: str, key: str, text: str) -> Iterator[Problem]:
    if found := re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", text):
        yield Problem(file, key, _shown(text), f"holds the control character U+{ord(found[0]):04X}")
    if "TfToken[" in text:
        yield Problem(file, key, _shown(text), "holds TfToken[, which CDKTF takes for an attribute of a resource")


def _dates_as_text(
    file: str, document: object, settings: object, location: tuple[int | str, ...] = ()
) -> Iterator[Problem]:
    """Dates and times where a setting is text: TOML has a type of its own for them."""
    if isinstance(document, Mapping):
        for key, part in document.items():
            found = settings.get(key) if isinstance(settings, Mapping) else getattr(settings, key, None)
            yield from _dates_as_text(file, part, found, (*location, key))
    elif isinstance(document, list) and isinstance(settings, Sequence):
        for index, (part, found) in enumerate(zip(document, settings, strict=False)):
            yield from _dates_as_text(file, part, found, (*location, index))
    elif isinstance(document, date | time) and isinstance(settings, str):
        yield Problem(file, _dotted(location), str(document), f'is a date or time; a text is written "{document}"')


def _typing_slip(text: str, error: tomllib.TOMLDecodeError) -> str:
    """The reason for invalid TOML that no editor shows: a byte order mark, or typographic quotes on the line."""
    if text.startswith("\ufeff"):
        return "; the file begins with a byte order mark: save it as UTF-8 without one"
    found = re.search(r"at line (\d+)", str(error))
    line = text.splitlines()[int(found[1]) - 1] if found and text else ""
    quotes = re.search("[‘’‚‛“”„‟«»]", line)
    return f'; line {found[1]} has a typographic quote ({quotes[0]}): write "' if found and quotes else ""


def display_name(path: Path) -> str:
    """`path` as operators know it: relative to the repository where it lies inside."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)


def _problems(
    file: str, model: type[Settings], document: Mapping[str, object], error: ValidationError
) -> list[Problem]:
    problems = []
    for detail in error.errors(include_url=False)[:_MOST_PROBLEMS]:
        cause = detail.get("ctx", {}).get("error")
        location = _location(document, (*detail["loc"], *(cause.at if isinstance(cause, SettingsRefusal) else ())))
        key = _dotted(location)
        match detail["type"]:
            case "extra_forbidden":
                known = _known_keys(model, location[:-1])
                message = f"is not a known key{_suggestion(str(location[-1]), known)}"
            case "missing":
                message = "is required and missing"
            case _:
                message = _message(detail)
        value = "" if detail["type"] == "missing" else _shown(_lookup(document, location))
        problems.append(Problem(file, key, value, message))
    return problems


def _message(detail: ErrorDetails) -> str:
    cause = detail.get("ctx", {}).get("error")
    return str(cause) if isinstance(cause, Exception) else detail["msg"][0].lower() + detail["msg"][1:]


def _location(document: object, loc: Sequence[int | str]) -> list[int | str]:
    """`loc` without the names of union members that pydantic adds, so that it is a path in the file."""
    path: list[int | str] = []
    found = document
    for index, step in enumerate(loc):
        last = index == len(loc) - 1
        if isinstance(found, Mapping) and step in found:
            found = found[step]
        elif isinstance(found, list) and isinstance(step, int) and step < len(found):
            found = found[step]
        elif not last or step == "[key]":
            continue
        path.append(step)
    return path


def _dotted(location: Sequence[int | str]) -> str:
    text = ""
    for step in location:
        name = step if isinstance(step, int) or re.fullmatch(r"[\w.:/-]{1,80}", step) else _shown(step)
        text += f"[{name}]" if isinstance(step, int) else f".{name}" if text else str(name)
    return text


def _lookup(document: object, location: Sequence[int | str]) -> object:
    for step in location:
        if isinstance(document, Mapping) and step in document:
            document = document[step]
        elif isinstance(document, list) and isinstance(step, int) and step < len(document):
            document = document[step]
        else:
            return None
    return document


def _shown(value: object) -> str:
    if value is None:
        return ""
    # a value of a kind that TOML has and JSON has not, a date, stands without quotes as in the file
    text = str(value) if isinstance(value, date | time) else json.dumps(value, ensure_ascii=False, default=str)
    text = re.sub(r"[\x7f-\x9f]", lambda found: f"\\u{ord(found[0]):04x}", text)
    return text if len(text) <= 80 else text[:77] + "…"


def _suggestion(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"; did you mean {near[0]}?"
    return f"; known keys: {', '.join(known)}" if known else ""


def _known_keys(model: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    models: list[type[BaseModel]] = [model]
    for step in location:
        annotations = [m.model_fields[str(step)].annotation for m in models if str(step) in m.model_fields]
        if annotations:
            models = [found for annotation in annotations for found in _models_in(annotation)]
    return sorted({name for m in models for name in m.model_fields})


def _models_in(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, UnionType, Annotated, dict, tuple, list, Mapping) or get_args(annotation):
        return [found for argument in get_args(annotation) for found in _models_in(argument)]
    return []
