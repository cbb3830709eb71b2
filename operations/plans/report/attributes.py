"""Which attributes a change changes, as text that may be shown: sensitive values masked, unknown ones called so."""

from __future__ import annotations

import base64
import binascii
import difflib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from operations.plans.moved_by_aws import moved_by_aws
from operations.plans.plan_document import Action, Change
from operations.plans.report.safe_text import shortened, visible
from operations.plans.report.secrets import MASK, Masked, Secrets, part_of

UNKNOWN = "(known after apply)"
_BASE64 = ("user_data", "user_data_base64")
"""Attributes that hold base64 of text people wrote."""
_DEEPEST_JSON = 60
"""Levels; JSON that is nested deeper is shown as the text it is."""
_LONGEST_TEXT = 20_000
"""Characters of a value that a report holds."""
_MOST_LINES = 2_000
"""Lines of a text that are compared with another's."""

_ENCODER = json.JSONEncoder(ensure_ascii=False)

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


_UNKNOWN = Masked(UNKNOWN)


@dataclass(frozen=True)
class _Pair:
    path: Path
    before: object
    after: object


def attribute_changes(change: Change, secrets: Secrets) -> tuple[AttributeChange, ...]:
    """Differences, attribute by attribute, those that force a replacement first.

    Of what is destroyed only the id is named. Empty values count as not set, unless nothing else differs.
    """
    if change.action is Action.DELETE:
        return (
            (AttributeChange("id", _text(secrets.masked(change.was("id")), secrets), None),) if change.was("id") else ()
        )
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


def is_by_aws(change: Change) -> bool:
    """True when every difference is AWS's doing: a value where nobody set one, or one that AWS moves by itself."""
    if change.action is not Action.UPDATE:
        return False
    pairs = _pairs((), change.before, change.after, change)
    return all(_empty(pair.before) or (pair.path and moved_by_aws(change, pair.path[0])) for pair in pairs)


def _repeats_tags(path: Path, paths: set[Path], change: Change) -> bool:
    """True for `tags_all` that repeats `tags`, or in a new resource what the stack gives to all."""
    return path[:1] == ("tags_all",) and (change.action is Action.CREATE or ("tags", *path[1:]) in paths)


def _pairs(path: Path, before: object, after: object, change: Change) -> Iterator[_Pair]:
    if path and path[-1] in _BASE64:
        before, after = _decoded(before), _decoded(after)
    if before is MASK or after is MASK:
        # Masked, both look alike: whether they differ is asked of the values themselves.
        if after is _UNKNOWN or _differ(before, after) or _differ(_at(change.before, path), _at(change.after, path)):
            yield _Pair(path, before, after)
        return
    if after is _UNKNOWN:
        yield _Pair(path, before, after)
        return
    if isinstance(before, str) and isinstance(after, str):
        if before == after:
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
    elif _differ(before, after):
        yield _Pair(path, before, after)


def _differ(before: object, after: object) -> bool:
    """True when values differ; `true` and 1, which are equal in Python, do."""
    return before != after or isinstance(before, bool) is not isinstance(after, bool)


def _masked(value: object, sensitive: object, unknown: object) -> object:
    """`value` with placeholders where it is sensitive or not known yet."""
    if not sensitive and not unknown:
        return value
    if sensitive is True:
        return None if value is None and unknown is not True else MASK
    if unknown is True:
        return _UNKNOWN
    if isinstance(unknown, dict) and (value is None or isinstance(value, dict)):
        names = {**(value or {}), **{name: None for name, flag in unknown.items() if flag}}
        value = {name: (value or {}).get(name) for name in names}
    if isinstance(value, dict):
        return {name: _masked(item, part_of(sensitive, name), part_of(unknown, name)) for name, item in value.items()}
    if isinstance(value, list):
        return [_masked(item, part_of(sensitive, index), part_of(unknown, index)) for index, item in enumerate(value)]
    return value


def _at(value: object, path: Path) -> object:
    for step in path:
        value = part_of(value, step)
    return value


def _empty(value: object) -> bool:
    return not isinstance(value, bool | int | float | Masked) and not value


def _without(these: list[object], those: list[object]) -> list[object]:
    left = Counter(json.dumps(item, sort_keys=True) for item in those)
    found = []
    for item in these:
        key = json.dumps(item, sort_keys=True)
        if left[key]:
            left[key] -= 1
        else:
            found.append(item)
    return found


def _json(value: object) -> object:
    """The object or list a string holds as JSON; None for everything else."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return None
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        return None
    return None if _depth(found) > _DEEPEST_JSON else found


def _depth(value: object) -> int:
    depth, level = 0, [value]
    while level and depth <= _DEEPEST_JSON:
        depth += 1
        level = [
            item
            for container in level
            if isinstance(container, dict | list)
            for item in (container.values() if isinstance(container, dict) else container)
        ]
    return depth


def _decoded(value: object) -> object:
    if not isinstance(value, str) or isinstance(value, Masked):
        return value
    try:
        return base64.b64decode(value, validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return value


def _attribute(pair: _Pair, change: Change, secrets: Secrets) -> AttributeChange:
    before, after = secrets.masked(pair.before), secrets.masked(pair.after)
    lines: tuple[str, ...] = ()
    if _has_lines(before) or _has_lines(after):
        lines = tuple(map(visible, _line_changes(_as_text(before), _as_text(after))))
    return AttributeChange(
        path=secrets.text(dotted(pair.path)),
        before=_text(before, secrets),
        after=_text(after, secrets),
        forces_replacement=_forces(change, pair.path),
        lines=lines,
    )


def _has_lines(value: object) -> bool:
    return isinstance(value, str) and "\n" in value.rstrip("\n")


def _line_changes(before: str, after: str) -> Iterator[str]:
    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) > _MOST_LINES:
        same = next((at for at, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), 0)
        yield f" … {same} lines before are the same; of the rest, {len(old) - same} and {len(new) - same}:"
        old, new = old[same : same + _MOST_LINES], new[same : same + _MOST_LINES]
    compared = difflib.unified_diff(old, new, lineterm="", n=2)
    shown = (line for number, line in enumerate(compared) if number >= 2 and not line.startswith("@@"))
    yield from (shortened(line, _LONGEST_TEXT // 10) for line in shown)


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else "" if value is None else json.dumps(value, ensure_ascii=False)


def _forces(change: Change, path: Path) -> bool:
    return any(path[: len(forcing)] == forcing or forcing[: len(path)] == path for forcing in change.replace_paths)


def dotted(path: Sequence[str | int]) -> str:
    """A path as people write it: `tags.Name`, `ingress[0].from_port`; `value` for the whole."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".") or "value"


def _text(value: object, secrets: Secrets) -> str | None:
    if value is None:
        return None
    if isinstance(value, Masked):
        return str(value)
    holds = _json(value)
    return shortened(visible(_ENCODER.encode(value if holds is None else secrets.masked(holds))), _LONGEST_TEXT)
