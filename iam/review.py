"""Questions that a review asks of policies: how much they grant, to whom, under which conditions, and what got wider.

Answers are on the safe side: what cannot be shown to be narrow counts as wide.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from iam.document import EVERYTHING, Condition, PolicyDocument, Principals, Statement
from iam.patterns import covers, overlap
from iam.reference import whole_services

_ACCOUNT: Final = re.compile(r"(?:arn:[\w-]+:(?:iam|sts)::)?(\d{12})(?::.*)?\Z")
_CALLER_KEYS: Final = frozenset({
    "aws:principalaccount", "aws:principalarn", "aws:principalorgid", "aws:principalorgpaths", "aws:sourceaccount",
    "aws:sourcearn", "aws:sourceip", "aws:sourceorgid", "aws:sourceorgpaths", "aws:sourceowner", "aws:sourcevpc",
    "aws:sourcevpcarn", "aws:sourcevpce", "aws:userid", "aws:vpceaccount", "aws:vpceorgid", "kms:calleraccount",
    "s3:dataaccesspointaccount", "s3:dataaccesspointarn",
})  # fmt: skip
"""Keys that say who calls or from where. Source: AWS, "The meaning of public" in the guide of S3's Block Public Access
and "AWS global condition context keys" in IAM's, read 2026-11-28."""


def grants_everything(statement: Statement) -> bool:
    """Tell whether a statement allows every action on every resource, or all but some."""
    return statement.allows and bool({"*"} & whole(statement)) and _unbounded(statement)


def _unbounded(statement: Statement) -> bool:
    return statement.not_resources is not None or covers(statement.resources or EVERYTHING, "arn:aws:*:*:*:?*")


def whole(statement: Statement) -> frozenset[str]:
    """Services of which a statement allows every action; `*` for all, and for `NotAction`, which spares some only."""
    if not statement.allows:
        return frozenset()
    if statement.actions is None:
        return frozenset({"*"})
    return whole_services(statement.actions)


def whole_of(policy: PolicyDocument) -> frozenset[str]:
    """Services of which a policy allows every action, its statements taken together."""
    several = [statement for statement in policy.statements if statement.allows]
    together = whole_services(tuple(pattern for statement in several for pattern in statement.actions or ()))
    return together.union(*(whole(statement) for statement in several))


def admits_everybody(statement: Statement) -> bool:
    """Tell whether a resource's statement allows anybody, with no condition that says who or from where."""
    if not statement.allows or binds(statement.conditions):
        return False
    if statement.principals is None:
        return statement.not_principals is not None
    return any("*" in name for name in statement.principals.of("AWS"))


def outsiders(statement: Statement, account_id: str) -> frozenset[str]:
    """Names that a resource's statement allows and that are not of the account; services of AWS do not count."""
    if not statement.allows:
        return frozenset()
    if statement.principals is None:
        return frozenset({"*"}) if statement.not_principals is not None else frozenset()
    found = {name for kind, name in statement.principals.names if kind not in ("AWS", "Service")}
    for name in statement.principals.of("AWS"):
        account = _ACCOUNT.match(name)
        if account is None or account[1] != account_id:
            found.add(name)
    return frozenset(found)


def binds(conditions: Iterable[Condition]) -> bool:
    """Tell whether conditions say who calls or from where, with fixed values that a request cannot leave out."""
    return any(_binds(condition) for condition in conditions)


def _binds(condition: Condition) -> bool:
    operator = condition.operator
    optional = operator.negated or operator.if_exists or operator.qualifier == "ForAllValues" or operator.name == "Null"
    return (
        not optional and condition.key in _CALLER_KEYS and all(_fixed(condition.key, each) for each in condition.values)
    )


def _fixed(key: str, value: str) -> bool:
    if "${" in value:
        return False
    if key == "aws:sourceip":
        try:
            network = ipaddress.ip_network(value, strict=False)
        except ValueError:
            return False
        return network.prefixlen >= (8 if network.version == 4 else 32)  # wider ones count as public for S3
    if value.startswith("arn:"):
        parts = value.split(":", 5)
        named = len(parts) == 6 and bool(re.fullmatch(r"\d{12}", parts[4]))
        return named or not set(value) & {"*", "?"}
    name, _, _ = value.partition("/" if key.endswith("orgpaths") else ":")  # below an organization, and of a session
    return not set(name) & {"*", "?"}


@dataclass(frozen=True)
class Widening:
    """Something that a policy allows and that an earlier one did not allow."""

    statement: str
    """Its Sid or its place in the document."""
    action: str
    resource: str
    principal: str = ""

    def __str__(self) -> str:
        whom = f"{self.principal}: " if self.principal else ""
        return f"{whom}{self.action} on {self.resource}"


def widened(before: PolicyDocument, after: PolicyDocument) -> list[Widening]:
    """List everything that `after` allows and `before` did not, with weaker conditions and lost denials as well."""
    return [
        *(found for statement in after.statements if statement.allows for found in _new(statement, before, after)),
        *(found for statement in before.statements if not statement.allows for found in _new(statement, after, before)),
    ]


def _new(statement: Statement, others: PolicyDocument, own: PolicyDocument) -> Iterator[Widening]:
    """The parts of a statement that no statement of `others` with the same effect covers."""
    likely = [
        other for other in others.statements
        if other.effect == statement.effect and _implied(other.conditions, statement.conditions)
    ]  # fmt: skip
    lost = "" if statement.allows else "no longer denied: "
    name = statement.sid or str(own.statements.index(statement))
    for principal in _parts(statement.principals):
        admitted = [other for other in likely if _admits(other, statement, principal)]
        for resource in statement.resources or (EVERYTHING if statement.not_resources is None else ("",)):
            fitting = [
                other for other in admitted
                if _side(other.resources, other.not_resources, resource, statement.not_resources, every=True)
            ]  # fmt: skip
            for action in statement.actions or ("",):
                if not _covered(fitting, action, statement.not_actions):
                    yield Widening(
                        name,
                        lost + (action or f"all but {', '.join(statement.not_actions or ())}"),
                        resource or f"all but {', '.join(statement.not_resources or ())}",
                        principal[1] if principal else "",
                    )


def _covered(fitting: list[Statement], action: str, not_actions: tuple[str, ...] | None) -> bool:
    together = tuple(pattern.lower() for other in fitting for pattern in other.actions or ())
    if action and covers(together, action.lower()):
        return True
    return any(
        _side(_lower(other.actions), _lower(other.not_actions), action.lower(), _lower(not_actions), every=False)
        for other in fitting
    )


def _lower(patterns: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if patterns is None else tuple(pattern.lower() for pattern in patterns)


def _side(
    wide: tuple[str, ...] | None,
    wide_not: tuple[str, ...] | None,
    narrow: str,
    narrow_not: tuple[str, ...] | None,
    *,
    every: bool,
) -> bool:
    """Tell whether one side's patterns cover the other's; `every`: with no patterns at all, everything is meant."""
    if wide is None and wide_not is None and every:
        return True
    if not narrow:  # all but `narrow_not`
        return covers(wide or (), "*") or all(covers(narrow_not or (), spared) for spared in wide_not or ("*",))
    return covers(wide, narrow) if wide is not None else not overlap(wide_not or (), narrow)


def _parts(principals: Principals | None) -> Iterable[tuple[str, str] | None]:
    return sorted(principals.names) if principals else [None]


def _admits(other: Statement, statement: Statement, principal: tuple[str, str] | None) -> bool:
    if principal is None:
        if statement.not_principals is None:
            return other.principals is None and other.not_principals is None
        spared = other.not_principals
        everybody = other.principals is not None and ("AWS", "*") in other.principals.names
        return everybody or (spared is not None and spared.names <= statement.not_principals.names)
    if other.principals is None:
        return other.not_principals is not None and not _names(other.not_principals, principal)
    return _names(other.principals, principal)


def _names(principals: Principals, principal: tuple[str, str]) -> bool:
    kind, name = principal
    account = _ACCOUNT.match(name)
    whole_account = {account[1], f"arn:aws:iam::{account[1]}:root"} if account else set()
    return principal in principals.names or bool(principals.of(kind) & {"*", *whole_account})


def _implied(weaker: Iterable[Condition], stronger: tuple[Condition, ...]) -> bool:
    """Tell whether the stronger conditions hold only where the weaker ones do."""
    return all(any(_implies(one, other) for one in stronger) for other in weaker)


def _implies(one: Condition, other: Condition) -> bool:
    if (one.operator, one.key) != (other.operator, other.key):
        return False
    have, want = set(one.values), set(other.values)
    return want <= have if one.operator.negated else have <= want
