"""Policy documents read in every spelling that AWS accepts: a string or a list, one statement or several, any case."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from iam.errors import MalformedPolicyError
from iam.operators import Operator

EVERYTHING: Final = ("*",)
_TOP: Final = ("version", "id", "statement")
_ELEMENTS: Final = (
    "sid", "effect", "principal", "notprincipal", "action", "notaction", "resource", "notresource", "condition",
)  # fmt: skip
_PRINCIPALS: Final = {"aws": "AWS", "service": "Service", "federated": "Federated", "canonicaluser": "CanonicalUser"}


@dataclass(frozen=True)
class Principals:
    """Those that a statement names: kind of principal (`AWS`, `Service`, …) and name; everybody is `("AWS", "*")`."""

    names: frozenset[tuple[str, str]]

    def of(self, kind: str) -> frozenset[str]:
        """Names of one kind."""
        return frozenset(name for found, name in self.names if found == kind)


@dataclass(frozen=True)
class Condition:
    """One key of a `Condition` element: it holds when the operator holds for the request's value and one of these."""

    operator: Operator
    key: str
    """In lower case: AWS ignores its case."""
    values: tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """One statement. Of each pair, such as `actions` and `not_actions`, at most one is not None."""

    effect: str
    actions: tuple[str, ...] | None
    not_actions: tuple[str, ...] | None
    resources: tuple[str, ...] | None
    not_resources: tuple[str, ...] | None
    principals: Principals | None
    not_principals: Principals | None
    conditions: tuple[Condition, ...]
    sid: str
    variables: bool
    """Policy variables such as `${aws:username}` count: the document's version is 2012-10-17."""

    @property
    def allows(self) -> bool:
        """The effect is `Allow`; the only other one is `Deny`."""
        return self.effect == "Allow"


@dataclass(frozen=True)
class PolicyDocument:
    """A policy document; `name` says which in messages and decisions."""

    name: str
    statements: tuple[Statement, ...]


def parse(document: str | bytes | Mapping[str, Any], *, name: str = "policy") -> PolicyDocument:
    """The policy in a JSON text or in what JSON gives.

    Raises MalformedPolicyError for what is no policy, and for elements and operators that are not known.

    >>> [policy] = {parse('{"Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}}')}
    >>> policy.statements[0].actions
    ('s3:*',)
    """
    if isinstance(document, str | bytes):
        try:
            document = json.loads(document, object_pairs_hook=_unique)
        except ValueError as error:
            raise MalformedPolicyError(f"{name}: not a JSON document: {error}") from None
    top = _elements(document, _TOP, name)
    version = top.get("version", "2008-10-17")
    if version not in ("2008-10-17", "2012-10-17"):
        raise MalformedPolicyError(f"{name}: Version is 2012-10-17 or 2008-10-17, not {version!r}")
    statements = top.get("statement")
    several: list[Any] = statements if isinstance(statements, list) else [statements]
    if not several or not all(isinstance(statement, Mapping) for statement in several):
        raise MalformedPolicyError(f"{name}: Statement is one statement or a list of them, not {statements!r}")
    return PolicyDocument(name, tuple(_statement(each, name, version == "2012-10-17") for each in several))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError(f"a key stands twice among {', '.join(key for key, _ in pairs)}")
    return dict(pairs)


def _elements(value: Any, known: Sequence[str], where: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise MalformedPolicyError(f"{where}: an object is wanted, not {value!r}")
    found: dict[str, Any] = {}
    for key, element in value.items():
        if str(key).lower() not in known:
            raise MalformedPolicyError(f"{where}: {key!r} is not known here")
        if str(key).lower() in found:
            raise MalformedPolicyError(f"{where}: {key} stands twice")
        found[str(key).lower()] = element
    return found


def _statement(value: Mapping[str, Any], name: str, variables: bool) -> Statement:
    elements = _elements(value, _ELEMENTS, name)
    sid = str(elements.get("sid", ""))
    where = f"{name}/{sid}" if sid else name
    for one in ("action", "resource", "principal"):
        if one in elements and f"not{one}" in elements:
            raise MalformedPolicyError(f"{where}: {one.title()} and Not{one.title()} exclude each other")
    if not {"action", "notaction"} & elements.keys():
        raise MalformedPolicyError(f"{where}: Action or NotAction is missing")
    if elements.get("effect") not in ("Allow", "Deny"):
        raise MalformedPolicyError(f"{where}: Effect is Allow or Deny, not {elements.get('effect')!r}")
    return Statement(
        effect=elements["effect"],
        actions=_actions(elements, "action", where),
        not_actions=_actions(elements, "notaction", where),
        resources=_texts(elements, "resource", where),
        not_resources=_texts(elements, "notresource", where),
        principals=_principals(elements, "principal", where),
        not_principals=_principals(elements, "notprincipal", where),
        conditions=tuple(_conditions(elements.get("condition", {}), where)),
        sid=sid,
        variables=variables,
    )


def _texts(elements: Mapping[str, Any], element: str, where: str) -> tuple[str, ...] | None:
    if element not in elements:
        return None
    value = elements[element]
    several = value if isinstance(value, list) else [value]
    if not several or not all(isinstance(text, str) and text for text in several):
        raise MalformedPolicyError(f"{where}: {element} is a text or a list of texts, not {value!r}")
    return tuple(several)


def _actions(elements: Mapping[str, Any], element: str, where: str) -> tuple[str, ...] | None:
    actions = _texts(elements, element, where)
    for action in actions or ():
        if ":" not in action and action.strip("*"):
            raise MalformedPolicyError(f"{where}: an action is service:name, not {action!r}")
    return actions


def _principals(elements: Mapping[str, Any], element: str, where: str) -> Principals | None:
    if element not in elements:
        return None
    value = elements[element]
    if value == "*":
        return Principals(frozenset({("AWS", "*")}))
    kinds = _elements(value, list(_PRINCIPALS), where)
    names = {(_PRINCIPALS[kind], name) for kind in kinds for name in _texts(kinds, kind, where) or ()}
    if not names:
        raise MalformedPolicyError(f"{where}: {element} names nobody")
    return Principals(frozenset(names))


def _conditions(value: Any, where: str) -> Iterable[Condition]:
    if not isinstance(value, Mapping):
        raise MalformedPolicyError(f"{where}: Condition is an object, not {value!r}")
    for operator, keys in value.items():
        if not isinstance(keys, Mapping) or not keys:
            raise MalformedPolicyError(f"{where}: Condition {operator} is an object of keys, not {keys!r}")
        try:
            known = Operator.named(str(operator))
        except ValueError as error:
            raise MalformedPolicyError(f"{where}: {error}") from None
        for key, values in keys.items():
            several = values if isinstance(values, list) else [values]
            if not several or not all(isinstance(each, str | bool | int | float) for each in several):
                raise MalformedPolicyError(f"{where}: {operator} {key} is a value or a list of values, not {values!r}")
            yield Condition(known, str(key).lower(), tuple(_text(each) for each in several))


def _text(value: str | bool | float) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
