"""The keys of a settings file as a table, from the classes that read it."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable, Iterator
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from config.components import GuardedSettings
from config.settings import Settings
from config.types import ValueCheck

HEADER = ("key", "allowed", "default", "meaning")


def rows(model: type[Settings], prefix: str = "") -> Iterator[tuple[str, str, str, str]]:
    """Key, what is allowed, default and meaning of every setting of `model`, in the order of the code."""
    for name, field in model.model_fields.items():
        key = f"{prefix}{name}"
        kinds, by_name = _models(field.annotation), _named(field.annotation)
        if by_name:
            yield f"`[{key}.NAME]`", "table for each", "required" if field.is_required() else "", _text(by_name.__doc__)
            yield from rows(by_name, f"{key}.NAME.")
            continue
        if name == "reasons" and issubclass(model, GuardedSettings):
            for setting, unsafe in model.guarded.items():
                when = f"without `{setting}`" if unsafe is None else f"with `{setting} = {_toml(unsafe)}`"
                yield f"`{key}.{setting}`", "10 characters or more", "", f"Why that is right; required {when}"
            continue
        if not kinds:
            yield f"`{key}`", _allowed(model, name), _default(field), _text(field.description)
            continue
        for number, kind in enumerate(kinds):
            either = "" if len(kinds) == 1 else "**Either:** " if number == 0 else "**Or:** "
            yield f"`[{key}]`", "table", "required" if field.is_required() else "", either + _text(kind.__doc__)
            yield from rows(kind, f"{key}.")


def _models(annotation: Any) -> list[type[Settings]]:
    """The settings classes that a field of this type may hold."""
    if inspect.isclass(annotation) and issubclass(annotation, Settings):
        return [annotation]
    if get_origin(annotation) in (Union, UnionType, Annotated):
        return [found for inner in get_args(annotation) for found in _models(inner)]
    return []


def _named(annotation: Any) -> type[Settings] | None:
    """The settings class of which a field of this type holds one by each name."""
    if get_origin(annotation) is dict:
        found = _models(get_args(annotation)[1])
        return found[0] if found else None
    return None


def _allowed(model: type[Settings], name: str) -> str:
    """The words of the JSON schema, or those of the check in config/types.py where a schema has none."""
    field = model.model_fields[name]
    words = next(_checks(field.annotation, field.metadata), "text")
    return _said(_schema(model)["properties"][name], words.replace("|", "\\|"))


@cache
def _schema(model: type[Settings]) -> dict[str, Any]:
    return model.model_json_schema()


def _checks(annotation: Any, metadata: Iterable[Any] = ()) -> Iterator[str]:
    """The words of a type's checks; of a table's, those of its values first."""
    yield from (item.allowed for item in metadata if isinstance(item, ValueCheck))
    if get_origin(annotation) is Annotated:
        inner, *checks = get_args(annotation)
        yield from _checks(inner, checks)
    else:
        yield from (words for inner in reversed(get_args(annotation)) for words in _checks(inner))


def _said(schema: dict[str, Any], name: str) -> str:
    match schema:
        case {"anyOf": kinds}:
            return " or ".join(_said(kind, name) for kind in kinds if kind.get("type") != "null")
        case {"enum": values}:
            return ", ".join(f"`{_toml(value)}`" for value in values)
        case {"const": value}:
            return f"`{_toml(value)}`"
        case {"type": "boolean"}:
            return "`true`, `false`"
        case {"type": "integer", "minimum": low, "maximum": high}:
            return f"{low} to {high}"
        case {"pattern": pattern}:
            return f"text like `{pattern}`".replace("|", "\\|")
        case {"type": "array", "items": items}:
            return f"list of {_said(items, name)}"
        case {"type": "object"}:
            return f"table of {name}"
    return name


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=False)
    if value is None:
        return ""
    return "" if isinstance(value, Settings | dict) else f"`{_toml(value)}`"


def _toml(value: Any) -> str:
    """A value as it is written in TOML, which for all that settings hold is as in JSON."""
    return json.dumps(value)


def _text(docstring: str | None) -> str:
    return " ".join((docstring or "").split()).replace("|", "\\|")
