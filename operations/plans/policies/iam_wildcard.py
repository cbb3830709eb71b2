"""Rights that grow: whole services, wider resources, lost denials, trust for everybody."""

from __future__ import annotations

import re
from collections.abc import Iterator

from iam.document import EVERYTHING, PolicyDocument, Statement
from iam.patterns import covers, overlap
from iam.reference import names_every, whole_services
from iam.review import Widening, admits_everybody, whole_of, widened
from operations.plans.plan_document import Action, Change
from operations.plans.policies.documents import Documents, identity_documents, trust_documents
from operations.plans.policies.policy import UNKNOWN, PlanSurroundings, Undecided, before_and_after, name_of

_MANAGED = ("policy_arn", "managed_policy_arn", "managed_policy_arns", "policy_arns")
_WIDE = re.compile(r":aws:policy/.*(Administrator|PowerUser|Full_?(Access|Command))", re.IGNORECASE)
"""Managed policies of AWS that allow a whole service or more are named so."""
_ESCALATING = (
    "iam:passrole", "sts:assumerole", "iam:attach*policy", "iam:put*policy", "iam:createpolicyversion",
    "iam:setdefaultpolicyversion", "iam:updateassumerolepolicy", "iam:createaccesskey", "iam:createloginprofile",
    "iam:updateloginprofile", "iam:addusertogroup", "iam:*permissionsboundary",
)  # fmt: skip
"""Actions that, allowed for every role, user or policy, lead to all rights of the account."""


def iam_wildcard(change: Change, around: PlanSurroundings) -> Iterator[str]:
    """Sentences about rights that grow."""
    documents = identity_documents(change)
    yield from unreadable(documents)
    if change.action is not Action.DELETE or around.outlives(change):
        yield from _more_rights(documents)
    yield from _attached(change)
    yield from _boundary(change, around)
    trust = trust_documents(change)
    yield from unreadable(trust)
    open_to_all = tuple(s for s in trust.after.statements if admits_everybody(s) or _admits_any_identity(s))
    if widened(trust.before, PolicyDocument("open", open_to_all)):
        yield "lets everybody assume it"


def unreadable(documents: Documents) -> Iterator[str]:
    """Sentences about documents that cannot be judged: malformed ones count, unknown ones are undecided."""
    yield from (f"cannot be judged: {documents.quoted(problem)}" for problem in documents.problems)
    yield from (Undecided(f"{name} is known after the apply") for name in documents.unknown)


def _more_rights(documents: Documents) -> Iterator[str]:
    before, after = documents.before, documents.after
    already, now = whole_of(before), whole_of(after)
    new = now if "*" not in already else frozenset[str]()
    new = frozenset({"*"}) if "*" in new else new - already
    if new:
        yield f"allows {documents.quoted(', '.join('*' if name == '*' else f'{name}:*' for name in sorted(new)))}"
    grown = [found for found in widened(before, after) if _matters(found, before, new)]
    if grown:
        yield f"allows {documents.quoted('; '.join(map(str, grown[:5])))}{' and more' if len(grown) > 5 else ''}"
    if lost := lost_denials(documents):
        yield f"no longer denies {lost}"


def lost_denials(documents: Documents) -> str:
    """Actions and resources that were denied and are not any more; empty when there are none."""
    lost = [str(found) for found in widened(documents.before, documents.after) if _LOST in found.action]
    return documents.quoted("; ".join(found.replace(_LOST, "") for found in lost[:5])) if lost else ""


_LOST = "no longer denied: "


def _matters(found: Widening, before: PolicyDocument, new: frozenset[str]) -> bool:
    """True when it widens a whole service that is not new, uses a narrow right everywhere, or leads to all rights."""
    if _LOST in found.action:
        return False
    everywhere = found.resource.startswith("all but") or names_every(found.resource, found.action)
    whole = whole_services((found.action.lower(),)) if ":" in found.action else frozenset({"*"})
    if whole:
        return not whole <= new and "*" not in new
    had = any(s.allows and _allows_part(s, found.action) for s in before.statements)
    return everywhere and (had or overlap(_ESCALATING, found.action.lower()))


def _allows_part(statement: Statement, action: str) -> bool:
    narrow = not covers(statement.resources or EVERYTHING, "arn:aws:*:*:*:?*") or statement.conditions
    return bool(narrow) and overlap([each.lower() for each in statement.actions or ()], action.lower())


_WEB_IDENTITIES = ("cognito-identity.amazonaws.com", "accounts.google.com", "www.amazon.com", "graph.facebook.com")

_ANY_OWNER = re.compile(r"(\w+:)?[^/:]*[*?]")
"""Subjects such as `repo:*` and `organization:a*`, in which the name of the owner is open."""


def _admits_any_identity(statement: Statement) -> bool:
    """True when a trust admits whoever an identity provider knows: no condition says which subject or audience."""
    if not statement.allows or statement.principals is None:
        return False
    if "*" in statement.principals.of("Federated") | statement.principals.of("Service"):
        return True
    providers = [name for name in statement.principals.of("Federated") if "saml-provider/" not in name]
    return any(
        not any(
            condition.key.endswith((":sub", ":aud") if provider in _WEB_IDENTITIES else ":sub")
            and not (condition.operator.negated or condition.operator.if_exists)
            and condition.operator.qualifier != "ForAllValues"
            and not any(_ANY_OWNER.match(value) for value in condition.values)
            for condition in statement.conditions
        )
        for provider in providers
    )


def _attached(change: Change) -> Iterator[str]:
    before, after = before_and_after(change)
    had = {value for path, value in before.items() if _is_managed(path) and isinstance(value, str)}
    for path, value in after.items():
        if isinstance(value, str) and _is_managed(path) and value not in had and _WIDE.search(value):
            yield f"attaches {value}"


def _boundary(change: Change, around: PlanSurroundings) -> Iterator[str]:
    """A permissions boundary that is taken off, or that limits nothing."""
    if change.type == "aws_ssoadmin_permissions_boundary_attachment" and change.action is Action.DELETE:
        if around.outlives(change):
            yield "has no permissions boundary any more"
        return
    before, after = before_and_after(change)
    was, now = (side.get(("permissions_boundary",)) for side in (before, after))
    if was and was != now and change.action in (Action.UPDATE, Action.REPLACE):
        if now is UNKNOWN:
            yield Undecided("permissions_boundary is known after the apply")
        elif not now:
            yield "has no permissions boundary any more"
        elif _WIDE.search(str(now)):
            yield f"is bounded by {now} alone"


def _is_managed(path: tuple[str | int, ...]) -> bool:
    return name_of(path) in _MANAGED
