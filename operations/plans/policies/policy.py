"""A policy over the changes of a plan, and what it may ask besides the change itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from operations.plans.plan_document import Action, Change


class Undecided(str):
    """A sentence about something that cannot be judged yet."""

    __slots__ = ()


@dataclass(frozen=True)
class PlanSurroundings:
    """The other changes of the plan, as far as a policy asks for them.

    `gone` holds names, ids and ARNs of resources that are destroyed and not created again: settings of those that go
    with them are no loss.
    """

    gone: frozenset[str] = field(default_factory=frozenset)
    made: frozenset[str] = field(default_factory=frozenset)
    """The same of resources that are created."""

    def outlives(self, change: Change) -> bool:
        """True when the thing that a destroyed resource belongs to, such as its bucket or role, stays."""
        return not {value for name in _OWNERS if isinstance(value := change.was(name), str)} & self.gone

    def is_of_new(self, change: Change) -> bool:
        """True when a created resource belongs to something that is created with it."""
        known = {value for name in _OWNERS if isinstance(value := change.becomes(name), str)}
        return not known or bool(known & self.made)


_OWNERS = (
    "bucket", "role", "user", "group", "queue_url", "key_id", "secret_arn", "topic_arn", "repository", "function_name",
    "file_system_id", "backup_vault_name", "plan_id", "domain_name", "resource_arn", "security_group_id",
    "permission_set_arn",
)  # fmt: skip
"""Arguments that name what a resource belongs to; `arn` is its own in most types and not among them."""


@dataclass(frozen=True)
class Policy:
    """A rule about single changes: `check` yields sentences about what is wrong with one."""

    id: str
    description: str
    check: Callable[[Change, PlanSurroundings], Iterable[str]]
    protected_only: bool = False
    """Only in environments that protect data."""


def surroundings(changes: Iterable[Change]) -> PlanSurroundings:
    """The surroundings of these changes."""
    things = [change for change in changes if not change.deposed and not _SETTINGS.search(change.type)]
    gone = (change.before for change in things if change.action in (Action.DELETE, Action.FORGET))
    made = (change.after for change in things if change.action in (Action.CREATE, Action.REPLACE))
    return PlanSurroundings(frozenset(_identities(gone)), frozenset(_identities(made)))


def _identities(attributes: Iterable[object]) -> Iterator[str]:
    for found in attributes:
        for name in ("id", "arn", "name", "bucket", "url", "key_id", "function_name"):
            value = found.get(name) if isinstance(found, dict) else None
            if isinstance(value, str) and value:
                yield value


_SETTINGS = re.compile(r"_(policy|attachment|configuration|versioning|acl|access_block|controls|logging)$")
"""Types that carry the id of what they belong to."""


UNKNOWN = object()
"""Stands for a value that is known after the apply only."""

Leaf = tuple[str | int, ...]
_KEYS = ("rule_name", "id", "sid", "name", "policy_name", "attribute_name", "db_name")
"""Attributes that tell the elements of a list apart better than their place."""


def leaves(value: object, marks: object = None, path: Leaf = ()) -> Iterator[tuple[Leaf, object]]:
    """Paths and values in nested attributes; UNKNOWN where `marks` says so. Empty lists and objects are values."""
    if marks is True:
        yield path, UNKNOWN
    elif isinstance(value, dict) or (value is None and isinstance(marks, dict) and marks):
        values, known = value or {}, marks if isinstance(marks, dict) else {}
        if not values and not known:
            yield path, value
        for name in dict.fromkeys((*values, *known)):
            yield from leaves(values.get(name), known.get(name), (*path, name))
    elif isinstance(value, list) and value:
        steps = _steps(value)
        for index, item in enumerate(value):
            mark = marks[index] if isinstance(marks, list) and index < len(marks) else None
            yield from leaves(item, mark, (*path, steps[index]))
    elif path:
        yield path, value


def _steps(items: list[object]) -> list[str | int]:
    for key in _KEYS:
        names = [item.get(key) if isinstance(item, dict) else None for item in items]
        if all(isinstance(name, str) and name for name in names) and len({*map(str, names)}) == len(names):
            return [str(name) for name in names]
    return list(range(len(items)))


@lru_cache(maxsize=2)  # every policy asks for those of the same change
def before_and_after(change: Change) -> tuple[dict[Leaf, object], dict[Leaf, object]]:
    """The leaves of a change on both sides; shared, so not to be changed."""
    return dict(leaves(change.before)), dict(leaves(change.after, change.after_unknown))


@lru_cache(maxsize=4096)  # changes of one type have the same paths
def name_of(path: Leaf) -> str:
    """The attribute a path leads to, without places in lists."""
    return next((step for step in reversed(path) if isinstance(step, str)), "")


_EXPRESSION = re.compile(r"(?<!\$)\$\{[^{}]*\}")
_PLACE_HOLDER = "known-after-the-apply"


def with_configured(change: Change, configured: Mapping[str, object]) -> Change:
    """The change with texts from the Terraform JSON in place of top-level values that are not known yet.

    Expressions in them become a word without wildcards: who and what a document allows can be judged, if not exactly
    for which resource. A text that is an expression alone stays unknown.
    """
    if not isinstance(change.after_unknown, dict) or not configured:
        return change
    known = {
        name: _EXPRESSION.sub(_PLACE_HOLDER, text).replace("$${", "${")
        for name, mark in change.after_unknown.items()
        if mark is True and isinstance(text := configured.get(name), str) and not _EXPRESSION.fullmatch(text)
    }
    if not known:
        return change
    after = {**(change.after if isinstance(change.after, dict) else {}), **known}
    unknown = {name: mark for name, mark in change.after_unknown.items() if name not in known}
    return replace(change, after=after, after_unknown=unknown)
