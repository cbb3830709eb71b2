"""Renames that Terraform was not told of: the same things destroyed under one address and made under another."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from operations.plans.plan_document import Action, Change

ALIKE = 0.6
"""The share of equal arguments from which two resources are taken for the same."""


def rename_findings(changes: Iterable[Change]) -> Iterator[tuple[str, str, str]]:
    """Address that is destroyed, what is wrong, what to write — for every pair that looks like a rename."""
    by_type: dict[str, tuple[list[Change], list[Change]]] = defaultdict(lambda: ([], []))
    for change in changes:
        if change.action in (Action.DELETE, Action.CREATE):
            by_type[change.type][change.action is Action.CREATE].append(change)
    for destroyed, created in by_type.values():
        for old, new in pairs(destroyed, created):
            message = f"looks like {new.address} under its old name: it would be destroyed and made again"
            block = json.dumps({"moved": [{"from": old.address, "to": new.address}]})
            fix = f'In the construct of {new.address}: .move_from_id("{old.address}")\nwhich gives Terraform: {block}'
            yield old.address, message, fix


def pairs(destroyed: list[Change], created: list[Change]) -> Iterator[tuple[Change, Change]]:
    """The pairs that are alike, the most alike first, each resource in one of them."""
    scored = sorted(
        ((_likeness(old, new), old, new) for old in destroyed for new in created),
        key=lambda scored_pair: (-scored_pair[0], scored_pair[1].address, scored_pair[2].address),
    )
    taken: set[str] = set()
    for likeness, old, new in scored:
        if likeness >= ALIKE and not {old.address, new.address} & taken:
            taken |= {old.address, new.address}
            yield old, new


def _likeness(old: Change, new: Change) -> float:
    """The share of the new resource's known arguments that the old one has too."""
    before = old.before if isinstance(old.before, dict) else {}
    after = new.after if isinstance(new.after, dict) else {}
    known = {name: value for name, value in after.items() if not _says_nothing(value) and name != "tags_all"}
    if not known:
        return 0.0
    equal = sum(1 for name, value in known.items() if before.get(name) == value)
    return equal / len(known)


def _says_nothing(value: Any) -> bool:
    return value is None or value is False or value in ("", [], {})
