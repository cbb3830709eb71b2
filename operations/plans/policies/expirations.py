"""Data that expires from now on, or earlier: rules of a bucket's lifecycle, items of a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from operations.plans.plan_document import Action, Change
from operations.plans.policies.policy import UNKNOWN, Leaf, Undecided, before_and_after, name_of

_EXPIRING = ("expiration", "noncurrent_version_expiration")
_WHEN = ("days", "noncurrent_days", "date")


def expirations(change: Change) -> Iterator[str]:
    """Sentences about data that expires from now on, or earlier."""
    before, after = before_and_after(change)
    if change.type == "aws_dynamodb_table" and change.action is not Action.CREATE:
        ttl = [path for path, value in after.items() if "ttl" in path and name_of(path) == "enabled" and value is True]
        if any(before.get(path) is not True for path in ttl):
            yield "items expire from now on (ttl)"
    if change.type in ("aws_s3_bucket_lifecycle_configuration", "aws_s3_bucket"):
        for rule in dict.fromkeys(path[:2] for path in after if path[:1] in (("rule",), ("lifecycle_rule",))):
            yield from _of_rule(_active(before, rule), _active(after, rule))


def _active(side: Mapping[Leaf, object], rule: Leaf) -> dict[Leaf, object]:
    """The leaves of a rule; none of one that is switched off."""
    found = {path[2:]: value for path, value in side.items() if path[:2] == rule}
    return {} if found.get(("status",)) == "Disabled" or found.get(("enabled",)) is False else found


def _of_rule(before: Mapping[Leaf, object], after: Mapping[Leaf, object]) -> Iterator[str]:
    expiring = [path for path in after if any(step in _EXPIRING for step in path) and name_of(path) in _WHEN]
    for path in expiring:
        was, now, name = before.get(path), after[path], name_of(path)
        if now and was in (None, 0, ""):
            said = "is known after the apply" if now is UNKNOWN else now
            yield f"objects expire from now on: {name} {said}"
        elif isinstance(now, int) and isinstance(was, int) and 0 < now < was and name == "days":
            yield f"objects expire after {now} days instead of {was}"
        elif isinstance(now, str) and isinstance(was, str) and now < was:
            yield f"objects expire on {now} instead of {was}"
    if any(after[path] and before.get(path) for path in expiring):
        chosen = _filter(after)
        if any(value is UNKNOWN for _, value in chosen):
            yield Undecided("the objects that expire are known after the apply")
        elif not all(any(_narrows(new, old) for new in chosen) for old in _filter(before)):
            yield "other objects expire than before"


def _filter(rule: Mapping[Leaf, object]) -> list[tuple[str, object]]:
    """The conditions on the objects that a rule is for."""
    return [
        (name_of(path), value)
        for path, value in rule.items()
        if path[:1] in (("filter",), ("prefix",), ("tags",)) and value not in (None, "", [], {})
    ]


def _narrows(new: tuple[str, object], old: tuple[str, object]) -> bool:
    return new == old or (new[0] == old[0] == "prefix" and str(new[1]).startswith(str(old[1])))
