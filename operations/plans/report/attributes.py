"""Which attributes a change changes, as text that may be shown: sensitive values masked, unknown ones called so."""

from __future__ import annotations

import base64
import binascii
import difflib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from operations.plans.plan_document import Action, Change

SENSITIVE = "(sensitive)"
UNKNOWN = "(known after apply)"
_BASE64 = ("user_data", "user_data_base64")
"""Attributes that hold base64 of text people wrote."""

_SHORTEST_PART = 6
"""Characters; a shorter secret inside a longer text is too likely to be there by chance."""

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class AttributeChange:
    """One attribute, or one place inside it, before and after as JSON text; None where it was not or will not be set.

    Texts of several lines have the lines that differ in `lines`, each beginning with `+`, `-` or a space.
    """

    path: str
    before: str | None
    after: str | None
    forces_replacement: bool = False
    lines: tuple[str, ...] = ()


class _Masked(str):
    """Text that stands for a value."""

    __slots__ = ()


_SENSITIVE, _UNKNOWN = _Masked(SENSITIVE), _Masked(UNKNOWN)


@dataclass(frozen=True)
class _Pair:
    path: Path
    before: Any
    after: Any


class Secrets:
    """The sensitive texts of a plan, which may stand elsewhere in it without being marked.

    The AWS provider copies `tags` to `tags_all` and forgets that one of them was sensitive; scripts have passwords
    rendered into them. So a text that is sensitive anywhere is masked everywhere.
    """

    def __init__(self, changes: Iterable[Change]) -> None:
        texts = {
            text
            for change in changes
            for value, tree in ((change.before, change.before_sensitive), (change.after, change.after_sensitive))
            for text in _sensitive_texts(value, tree)
        }
        self._whole = frozenset(texts)
        parts = sorted((text for text in texts if len(text) >= _SHORTEST_PART), key=len, reverse=True)
        self._part = re.compile("|".join(map(re.escape, parts))) if parts else None

    def masked(self, value: Any) -> Any:
        """`value` with every sensitive text in it masked."""
        if isinstance(value, dict):
            return {name: self.masked(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.masked(item) for item in value]
        if not isinstance(value, str) or isinstance(value, _Masked):
            return value
        if value in self._whole:
            return _SENSITIVE
        return self._part.sub(SENSITIVE, value) if self._part else value


def attribute_changes(change: Change, secrets: Secrets) -> tuple[AttributeChange, ...]:
    """What differs, attribute by attribute, those that force a replacement first.

    Of what is destroyed only the id is named. Empty values count as not set, unless nothing else differs.
    """
    if change.action is Action.DELETE:
        return (AttributeChange("id", _text(secrets.masked(change.was("id"))), None),) if change.was("id") else ()
    before = _masked(change.before, change.before_sensitive, None)
    after = _masked(change.after, change.after_sensitive, change.after_unknown)
    pairs = list(_pairs((), before, after, change))
    meant = [pair for pair in pairs if not (_empty(pair.before) and _empty(pair.after))] or pairs
    if change.action in (Action.REPLACE, Action.CREATE):
        meant = [pair for pair in meant if pair.after is not _UNKNOWN or _forces(change, pair.path)]
    paths = {pair.path for pair in meant}
    meant = [pair for pair in meant if not _repeats_tags(pair.path, paths, change)]
    shown = [_attribute(pair, change, secrets) for pair in meant]
    return tuple(sorted(shown, key=lambda attribute: not attribute.forces_replacement))


def only_fills_in(change: Change) -> bool:
    """Whether every difference is a value where there was none, as AWS fills in what nobody set."""
    if change.action is not Action.UPDATE:
        return False
    pairs = _pairs((), change.before, change.after, change)
    return all(_empty(pair.before) for pair in pairs)


def _sensitive_texts(value: Any, tree: Any) -> Iterator[str]:
    if tree is True:
        yield from _texts(value)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _sensitive_texts(item, _part(tree, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _sensitive_texts(item, _part(tree, index))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _texts(item)


def _repeats_tags(path: Path, paths: set[Path], change: Change) -> bool:
    """Whether this is `tags_all` saying what `tags` says, or in a new resource what the stack gives to all."""
    return path[:1] == ("tags_all",) and (change.action is Action.CREATE or ("tags", *path[1:]) in paths)


def _pairs(path: Path, before: Any, after: Any, change: Change) -> Iterator[_Pair]:
    if path and path[-1] in _BASE64:
        before, after = _decoded(before), _decoded(after)
    if before is _SENSITIVE or after is _SENSITIVE:
        # Masked, both look alike: whether they differ is asked of the values themselves.
        if after is _UNKNOWN or before != after or _at(change.before, path) != _at(change.after, path):
            yield _Pair(path, before, after)
        return
    if after is _UNKNOWN:
        yield _Pair(path, before, after)
        return
    json_before, json_after = _json(before), _json(after)
    if json_before is not None and json_after is not None:
        before, after = json_before, json_after
    if isinstance(after, dict) and (isinstance(before, dict) or (before is None and not path)):
        before = before or {}
        for name in sorted({*before, *after}):
            yield from _pairs((*path, name), before.get(name), after.get(name), change)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from _pairs((*path, index), old, new, change)
    elif isinstance(before, list) and isinstance(after, list):
        # Blocks came or went: those that stay are left out, wherever they stand now.
        for gone in _without(before, after):
            yield _Pair(path, gone, None)
        for new in _without(after, before):
            yield _Pair(path, None, new)
    elif before != after:
        yield _Pair(path, before, after)


def _masked(value: Any, sensitive: Any, unknown: Any) -> Any:
    """`value` with placeholders where it is sensitive or not known yet."""
    if sensitive is True:
        return None if value is None and unknown is not True else _SENSITIVE
    if unknown is True:
        return _UNKNOWN
    if isinstance(unknown, dict) and not isinstance(value, list):
        names = {**(value or {}), **{name: None for name, flag in unknown.items() if flag}}
        value = {name: (value or {}).get(name) for name in names}
    if isinstance(value, dict):
        return {name: _masked(item, _part(sensitive, name), _part(unknown, name)) for name, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, _part(sensitive, index), _part(unknown, index)) for index, item in enumerate(value)]
    return value


def _part(tree: Any, step: str | int) -> Any:
    if isinstance(tree, dict):
        return tree.get(str(step))
    if isinstance(tree, list) and isinstance(step, int) and step < len(tree):
        return tree[step]
    return None


def _at(value: Any, path: Path) -> Any:
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def _empty(value: Any) -> bool:
    return not isinstance(value, bool | int | float | _Masked) and not value


def _without(these: list[Any], those: list[Any]) -> list[Any]:
    left = Counter(json.dumps(item, sort_keys=True) for item in those)
    found = []
    for item in these:
        key = json.dumps(item, sort_keys=True)
        if left[key]:
            left[key] -= 1
        else:
            found.append(item)
    return found


def _json(value: Any) -> Any:
    """The object or list a string holds as JSON; None for everything else."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return None
    try:
        return json.loads(value)
    except ValueError:
        return None


def _decoded(value: Any) -> Any:
    if not isinstance(value, str) or isinstance(value, _Masked):
        return value
    try:
        return base64.b64decode(value, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return value


def _attribute(pair: _Pair, change: Change, secrets: Secrets) -> AttributeChange:
    before, after = secrets.masked(pair.before), secrets.masked(pair.after)
    lines: tuple[str, ...] = ()
    if _has_lines(before) or _has_lines(after):
        lines = tuple(_line_changes(before or "", after or ""))
    return AttributeChange(
        path=dotted(pair.path),
        before=_text(before),
        after=_text(after),
        forces_replacement=_forces(change, pair.path),
        lines=lines,
    )


def _has_lines(value: Any) -> bool:
    return isinstance(value, str) and "\n" in value.rstrip("\n")


def _line_changes(before: str, after: str) -> Iterator[str]:
    compared = list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2))
    yield from (line for line in compared[2:] if not line.startswith("@@"))


def _forces(change: Change, path: Path) -> bool:
    return any(path[: len(forcing)] == forcing or forcing[: len(path)] == path for forcing in change.replace_paths)


def dotted(path: Sequence[str | int]) -> str:
    """A path as people write it: `tags.Name`, `ingress[0].from_port`; `value` for the whole."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "value"


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, _Masked):
        return str(value)
    holds = _json(value)
    return json.dumps(value if holds is None else holds, ensure_ascii=False)
