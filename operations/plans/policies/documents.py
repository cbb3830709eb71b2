"""IAM policy documents in the attributes of a change, found by their form: no type and no attribute is left out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from iam.document import PolicyDocument, Statement, parse
from iam.errors import MalformedPolicyError
from operations.plans.plan_document import Action, Change
from operations.plans.policies.policy import UNKNOWN, Leaf, before_and_after, name_of

_NETWORK_POLICIES = ("aws_vpc_endpoint", "aws_vpc_endpoint_policy")
"""Policies of endpoints admit everybody by default: they narrow what others allow and grant nothing."""
_DOCUMENT = re.compile(r"(^|_)(policy|policies|policy_document)$")
_ESCAPED_LETTER = re.compile(r"\\u00([4-7][0-9a-f])", re.IGNORECASE)
"""JSON may hold any letter so, that of an element's name as well."""
_EMPTY = PolicyDocument("none", ())
TRUST = "assume_role_policy"


@dataclass(frozen=True)
class Documents:
    """Documents of one kind before and after a change, all of a kind together."""

    before: PolicyDocument
    after: PolicyDocument
    problems: tuple[str, ...]
    """Sentences about documents that cannot be read."""
    unknown: tuple[str, ...]
    """Attributes whose document is known after the apply only."""
    sensitive: bool

    def quoted(self, text: str) -> str:
        """A part of the documents, unless they are sensitive."""
        return "(sensitive)" if self.sensitive else text


def identity_documents(change: Change) -> Documents:
    """Documents that say what a user, group or role may do."""
    return _documents(change, "identity")


def trust_documents(change: Change) -> Documents:
    """Documents that say who may assume a role."""
    return _documents(change, "trust")


def resource_documents(change: Change) -> Documents:
    """Documents that say who may use a resource."""
    return _documents(change, "resource")


@lru_cache(maxsize=4)
def _documents(change: Change, kind: str) -> Documents:
    if change.type in _NETWORK_POLICIES:
        return Documents(_EMPTY, _EMPTY, (), (), False)
    before, after = _documents_of(change)
    then, _ = _read(change, before, kind)
    now, problems = _read(change, after, kind)
    unknown = tuple(
        name_of(path)
        for path, value in before_and_after(change)[1].items()
        if value is UNKNOWN and _DOCUMENT.search(name_of(path)) and _kind(change, path, "") == kind
        if change.action is not Action.CREATE or "policy" in change.type or name_of(path) == TRUST
    )  # on the creation of a bucket or queue an unknown `policy` is AWS's to compute
    return Documents(then, now, problems, unknown, _marked(change))


def _marked(change: Change) -> bool:
    marks = (mark for tree in (change.before_sensitive, change.after_sensitive) for mark in _names(tree))
    return any(mark == "" or _DOCUMENT.search(mark) for mark in marks)


def _names(tree: object, name: str = "") -> Iterator[str]:
    if tree is True:
        yield name
    elif isinstance(tree, dict):
        for key, item in tree.items():
            yield from _names(item, str(key))
    elif isinstance(tree, list):
        for item in tree:
            yield from _names(item, name)


@lru_cache(maxsize=2)  # asked for once for each kind
def _documents_of(change: Change) -> tuple[dict[Leaf, str], dict[Leaf, str]]:
    """The leaves on both sides that are policy documents."""
    before, after = before_and_after(change)
    return _documents_in(before), _documents_in(after)


def _documents_in(found: Mapping[Leaf, object]) -> dict[Leaf, str]:
    return {
        path: text
        for path, value in found.items()
        if isinstance(value, str) and _looks_like_one(text := _ESCAPED_LETTER.sub(_letter, value))
    }


def _letter(escape: re.Match[str]) -> str:
    letter = chr(int(escape[1], 16))
    return letter if letter.isalpha() else escape[0]


def _read(change: Change, found: Mapping[Leaf, str], kind: str) -> tuple[PolicyDocument, tuple[str, ...]]:
    statements: list[Statement] = []
    problems: list[str] = []
    for path, value in found.items():
        if _kind(change, path, value) == kind:
            try:
                statements += parse(value, name=name_of(path)).statements
            except MalformedPolicyError as error:
                problems.append(str(error))
            except RecursionError:
                problems.append(f"{name_of(path)}: nested too deeply")
    return PolicyDocument("all", tuple(statements)), tuple(problems)


def _looks_like_one(text: str) -> bool:
    return text.lstrip().startswith("{") and '"statement"' in text.lower() and not _is_other(text)


def _is_other(text: str) -> bool:
    """True for a JSON object that only holds the word somewhere inside."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return not any(str(key).lower() == "statement" for key in found)


def _kind(change: Change, path: Leaf, text: str) -> str:
    if name_of(path) == TRUST:
        return "trust"
    if change.type.startswith(("aws_iam_", "aws_ssoadmin_")):
        return "identity"
    return "resource" if not text or re.search(r'"(not)?principal"', text.lower()) else "identity"
