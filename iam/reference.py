"""AWS's actions, resources and condition keys, from reference.json: source, version and day stand in it.

Only services that occur here are in it; scripts/refresh_iam_reference.py adds others.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from iam.document import Condition, PolicyDocument, Statement
from iam.errors import IamError
from iam.patterns import covers, matches, overlap

_ANYTHING: Final = re.compile(r"\$\{[^}]*\}|<[^>]*>")
_TAG: Final = re.compile(r"\$\{[^}]*\}|<[^>]*>|(?<=/)(?:tag-key|tagkey)$", re.IGNORECASE)
_MISSING: Final = "is not in iam/reference.json: add its service with scripts/refresh_iam_reference.py"


@cache
def _data() -> Mapping[str, Any]:
    data: Mapping[str, Any] = json.loads(Path(__file__).with_name("reference.json").read_text(encoding="utf-8"))
    return data


@cache
def actions(service: str) -> frozenset[str]:
    """Every action of a service, as `service:Name`; empty for a service that is not in the data."""
    known = _data()["services"].get(service.lower(), {"actions": {}})
    return frozenset(f"{service.lower()}:{name}" for name in known["actions"])


@cache
def services() -> frozenset[str]:
    """Prefixes of the services in the data."""
    return frozenset(_data()["services"])


@cache
def matching(pattern: str) -> frozenset[str]:
    """The known actions that a pattern such as `s3:Get*` names."""
    return frozenset(
        action
        for service in services()
        if overlap([pattern.lower()], f"{service}:*")
        for action in actions(service)
        if matches(pattern.lower(), action.lower())
    )


@cache
def spelled(action: str) -> str:
    """The action as AWS spells it; raises IamError for one that is not known."""
    found = [known for known in actions(action.partition(":")[0]) if known.lower() == action.lower()]
    if not found:
        raise IamError(f"the action {action} {_MISSING}")
    return found[0]


@cache
def resource_patterns(action: str) -> tuple[str, ...]:
    """Patterns of the resources an action can be allowed for; empty when only `*` serves."""
    service, _, name = spelled(action).partition(":")
    of_service = _data()["services"][service]
    return tuple(_ANYTHING.sub("*", of_service["resources"][kind]) for kind in of_service["actions"][name][0])


_WHOLE_KIND: Final = re.compile(r"([\w-]+[/:])?[*?]+")


def names_every(resource: str, action: str) -> bool:
    """Tell whether a pattern names every resource of a kind that the action, which may be a pattern, is for.

    >>> names_every("arn:aws:s3:::*/*", "s3:GetObject"), names_every("arn:aws:s3:::one/*", "s3:GetObject")
    (True, False)
    >>> names_every("arn:aws:glue:*:111122223333:job/*", "glue:StartJobRun")  # a service that is not in the data
    True
    """
    last = resource.split(":", 5)[-1]
    known = matching(action)
    if not known:
        return bool(_WHOLE_KIND.fullmatch(last))
    kinds = {pattern.split(":", 5)[-1] for each in known for pattern in resource_patterns(each)}
    return not last.strip("*?") or any(covers((last,), kind) for kind in kinds)


def decides(action: str, key: str) -> bool:
    """Tell whether a condition on the key can hold for the action: it is global, or the action sends it."""
    service, _, name = spelled(action).partition(":")
    own = (
        _TAG.sub("*", known).lower()
        for known in (*_data()["global_keys"], *_data()["services"][service]["actions"][name][1])
    )
    return any(matches(pattern, key.lower()) for pattern in own)


def mistakes(policy: PolicyDocument) -> Iterator[str]:
    """Sentences about what AWS would not know, or what could never hold: actions, resources, condition keys."""
    for statement in policy.statements:
        where = f"{policy.name}/{statement.sid or policy.statements.index(statement)}"
        named: set[str] = set()
        for pattern in (*(statement.actions or ()), *(statement.not_actions or ())):
            found = matching(pattern)
            if not found:
                yield f"{where}: the action {pattern} {_MISSING}"
            named |= found
        if statement.actions is not None and set(statement.actions) != {"*"}:
            yield from (f"{where}: {each}" for each in _idle_resources(statement, named))
            yield from (f"{where}: {each}" for each in _idle_conditions(statement.conditions, named))


def _idle_resources(statement: Statement, named: set[str]) -> Iterator[str]:
    for resource in statement.resources or ():
        if resource != "*" and not any(_accepts(action, resource) for action in named):
            yield f"none of its actions can be allowed for {resource}"
    for pattern in statement.actions or ():
        found = matching(pattern)
        if (
            found
            and statement.resources
            and not any(_accepts(action, each) for action in found for each in statement.resources)
        ):
            yield f"{pattern} cannot be allowed for {', '.join(statement.resources)}"


def _accepts(action: str, resource: str) -> bool:
    patterns = resource_patterns(action)
    return resource == "*" or overlap(patterns, re.sub(r"\$\{[^}]*\}", "*", resource))


def _idle_conditions(conditions: tuple[Condition, ...], named: set[str]) -> Iterator[str]:
    for condition in conditions:
        deaf = sorted(action for action in named if not decides(action, condition.key))
        if len(deaf) == len(named) or (deaf and len(named) < 5):
            yield f"{', '.join(deaf)} never sends the condition key {condition.key}"


@cache
def whole_services(patterns: tuple[str, ...]) -> frozenset[str]:
    """Services of which the patterns name every action; `*` when they name every action there is.

    >>> sorted(whole_services(("s3:*", "sqs:?*", "Glue:**", "kms:Decrypt")))
    ['glue', 's3', 'sqs']
    """
    lower = tuple(pattern.lower() for pattern in patterns)
    if covers(lower, "*:?*"):
        return frozenset({"*"})
    named = {pattern.partition(":")[0] for pattern in lower}
    literal = {service for service in named if not set(service) & {"*", "?"}}
    if named != literal:
        literal |= services()
    return frozenset(
        service for service in literal | named if covers(lower, f"{service}:?*") or _all_named(service, lower)
    )


def _all_named(service: str, lower: tuple[str, ...]) -> bool:
    known = actions(service)
    return bool(known) and all(any(matches(pattern, action.lower()) for pattern in lower) for action in known)
