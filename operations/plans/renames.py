"""Renames that Terraform was not told of: the same things destroyed under one address and made under another."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import TypeVar

from operations.plans.plan_document import Action, Change

ALIKE = 0.6
"""The share of equal arguments from which two resources are taken for the same."""
_RARE = 50
"""Resources that may share a value for it to tell them apart."""
_MOST_CLASSES = 100


def rename_findings(changes: Iterable[Change]) -> Iterator[tuple[str, str, str]]:
    """Address that is destroyed, what is wrong, what to write — for every pair that looks like a rename."""
    by_type: dict[str, tuple[list[Change], list[Change]]] = defaultdict(lambda: ([], []))
    for change in changes:
        if change.action in (Action.DELETE, Action.CREATE) and not change.deposed:
            by_type[change.type][change.action is Action.CREATE].append(change)
    for destroyed, created in by_type.values():
        for old, new in pairs(destroyed, created):
            message = f"looks like {new.address} under its old name: it would be destroyed and made again"
            block = json.dumps({"moved": [{"from": old.address, "to": new.address}]})
            fix = f'In the construct of {new.address}: .move_from_id("{old.address}")\nwhich gives Terraform: {block}'
            yield old.address, message, fix


def pairs(destroyed: list[Change], created: list[Change]) -> Iterator[tuple[Change, Change]]:
    """The pairs that are alike, the most alike first, each resource in one of them.

    Resources that share a rare value are compared one by one. Values that many share sort the destroyed ones into
    classes, of which the largest are compared, so that the cost grows with the number of resources, not of pairs.
    """
    olds = {change.address: (change, _arguments(change.before)) for change in destroyed}
    news = {change.address: (change, _arguments(change.after)) for change in created}
    having: dict[_Argument, list[str]] = defaultdict(list)
    for address, (_, arguments) in olds.items():
        for argument in arguments:
            having[argument].append(address)
    common = frozenset(argument for argument, addresses in having.items() if len(addresses) > _RARE)
    classes: dict[frozenset[_Argument], list[str]] = defaultdict(list)
    for address, (_, arguments) in olds.items():
        classes[arguments & common].append(address)
    largest = sorted(classes.items(), key=lambda entry: -len(entry[1]))[:_MOST_CLASSES]
    taken: set[str] = set()
    scored = (
        (_share(olds[old][1], arguments), old, new)
        for new, (_, arguments) in news.items()
        for old in {old for argument in arguments - common for old in having.get(argument, ())}
    )
    alike = (
        (_share(shared, arguments), members, new)
        for new, (_, arguments) in news.items()
        for shared, members in largest
        if shared
    )
    for _, old, new in sorted((found for found in scored if found[0] >= ALIKE), key=_best_first):
        if not {old, new} & taken:
            taken |= {old, new}
            yield olds[old][0], news[new][0]
    left = {id(members): iter(sorted(members)) for _, members in largest}
    for _, members, new in sorted((found for found in alike if found[0] >= ALIKE), key=_best_first):
        if new not in taken:
            same = next((old for old in left[id(members)] if old not in taken), None)
            if same is not None:
                taken |= {same, new}
                yield olds[same][0], news[new][0]


_Argument = tuple[str, str]
_Old = TypeVar("_Old")
"""The old address, or all addresses of a class."""


def _best_first(found: tuple[float, _Old, str]) -> tuple[float, _Old, str]:
    return -found[0], found[1], found[2]


def _share(old: frozenset[_Argument], new: frozenset[_Argument]) -> float:
    """The share of the new resource's known arguments that the old one has too."""
    return len(old & new) / len(new) if new else 0.0


def _arguments(attributes: object) -> frozenset[_Argument]:
    return frozenset(
        (name, json.dumps(value, sort_keys=True))
        for name, value in (attributes if isinstance(attributes, dict) else {}).items()
        if not _says_nothing(value) and name != "tags_all"
    )


def _says_nothing(value: object) -> bool:
    return value is None or value is False or value in ("", [], {})
