"""Decisions of IAM on one call: identity policies, a permissions boundary and the policy of the resource together.

Source: AWS, "Policy evaluation logic", IAM User Guide, read 2026-11-28. Service control policies and session policies
are not known here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from iam.document import Condition, PolicyDocument, Principals, Statement
from iam.errors import UndecidedError
from iam.patterns import matches, names_action
from iam.request import Context, Principal, Request, literal, substituted

NOTHING: Final = "no statement allows it"
_IDENTITY: Final = "identity-based policy"
_BOUNDARY: Final = "permissions boundary"
_RESOURCE: Final = "resource-based policy"


@dataclass(frozen=True)
class Decision:
    """The answer to a request; `reason` says which statement decided, or that none allows it."""

    allowed: bool
    reason: str
    policy_type: str = ""
    """The kind of policy that denies, or that lacks an allow, as AWS's messages name it."""

    @property
    def explicit(self) -> bool:
        """A statement denies it; else none allows it."""
        return not self.allowed and self.reason.startswith("explicit deny")


def evaluate(
    request: Request,
    identity: Sequence[PolicyDocument],
    *,
    boundary: Sequence[PolicyDocument] | None = None,
    resource: PolicyDocument | None = None,
    resource_account_id: str = "",
    resource_decides: bool = False,
) -> Decision:
    """Decide the request.

    `resource_account_id` is the owner's account where it is not the caller's: then both sides have to allow.
    `resource_decides` holds for KMS keys and for roles that are assumed: identity policies count only as far as the
    resource's policy lets the account decide.
    Raises IamError for what is not known; treat it as a denial that needs mending.
    """
    kinds = ((_IDENTITY, identity), (_BOUNDARY, boundary or ()), (_RESOURCE, (resource,) if resource else ()))
    for kind, policies in kinds:
        for policy in policies:
            for statement in policy.statements:
                if not statement.allows and applies(statement, request, of_resource=kind == _RESOURCE):
                    return Decision(False, f"explicit deny in {_name(policy, statement)}", kind)
    bounded = boundary is not None and not _allowing(boundary, request)
    by_identity = "" if bounded else _allowing(identity, request)
    directly, through_account = _by_resource(resource, request)
    if bounded and not _names_user(resource, request):
        directly = ""
    if resource_account_id and resource_account_id != request.principal.account_id:
        granted = by_identity if directly or through_account else ""
        lacking = _RESOURCE if by_identity else _IDENTITY
    elif resource_decides:
        granted = directly or (by_identity if through_account else "")
        lacking = _IDENTITY if through_account else _RESOURCE
    else:
        granted = by_identity or directly
        lacking = _IDENTITY
    if granted:
        return Decision(True, granted)
    return Decision(False, NOTHING, _BOUNDARY if bounded and lacking == _IDENTITY else lacking)


def _allowing(policies: Iterable[PolicyDocument], request: Request) -> str:
    for policy in policies:
        for statement in policy.statements:
            if statement.allows and applies(statement, request):
                return _name(policy, statement)
    return ""


def _by_resource(policy: PolicyDocument | None, request: Request) -> tuple[str, str]:
    """Names of the statements that allow the caller itself, and the caller's account."""
    directly = through_account = ""
    for statement in policy.statements if policy else ():
        if policy and statement.allows and applies(statement, request, of_resource=True):
            if _admits_itself(statement, request.principal):
                directly = directly or _name(policy, statement)
            else:
                through_account = through_account or _name(policy, statement)
    return directly, through_account


def _admits_itself(statement: Statement, principal: Principal) -> bool:
    if statement.principals is None:  # NotPrincipal admits everybody else
        return True
    return bool(statement.principals.of("AWS") & {"*", *principal.names}) or principal.is_service


def _names_user(policy: PolicyDocument | None, request: Request) -> bool:
    """Tell whether a resource's policy names a user or a session: a permissions boundary does not limit those."""
    own = {name for name in request.principal.names if ":user/" in name or ":assumed-role/" in name}
    return any(
        statement.allows and statement.principals is not None and bool(statement.principals.of("AWS") & own)
        for statement in (policy.statements if policy else ())
        if applies(statement, request, of_resource=True)
    )


def _name(policy: PolicyDocument, statement: Statement) -> str:
    return f"{policy.name}/{statement.sid or policy.statements.index(statement)}"


def applies(statement: Statement, request: Request, *, of_resource: bool = False) -> bool:
    """Tell whether a statement speaks about the request; in a resource's policy it must name the caller as well."""
    if of_resource and not _speaks_of(statement, request.principal):
        return False
    return (
        _fits_actions(statement, request.action)
        and _fits_resources(statement, request, of_resource)
        and all(holds(condition, request.context, statement.variables) for condition in statement.conditions)
    )


def _fits_actions(statement: Statement, action: str) -> bool:
    if statement.actions is not None:
        return names_action(statement.actions, action)
    return not names_action(statement.not_actions or (), action)


def _fits_resources(statement: Statement, request: Request, of_resource: bool) -> bool:
    if statement.resources is None and statement.not_resources is None:
        return of_resource  # trust policies, and some policies of resources, leave it out
    patterns = (statement.resources if statement.resources is not None else statement.not_resources) or ()
    found = (substituted(each, request.context) if statement.variables else each for each in patterns)
    resource = literal(request.resource)
    fits = any(each is not None and matches(each, resource) for each in found)
    return fits if statement.resources is not None else not fits


def _speaks_of(statement: Statement, principal: Principal) -> bool:
    if statement.principals is not None:
        everybody = not statement.allows and "*" in statement.principals.of("AWS")  # services of AWS as well
        return everybody or _named(statement.principals, principal)
    if statement.not_principals is None:
        return False
    named = statement.not_principals.of("AWS")
    if principal.is_service:
        return not _named(statement.not_principals, principal)
    if statement.allows:
        return not named & {"*", *principal.names, *principal.account_names}
    # a denial spares only those whose role, session and account are all named
    return "*" not in named and not (principal.names <= named and bool(principal.account_names & named))


def _named(principals: Principals, principal: Principal) -> bool:
    if principal.is_service:
        return principal.name in principals.of("Service")
    return bool(principals.of("AWS") & {"*", *principal.names, *principal.account_names})


def holds(condition: Condition, context: Context, variables: bool = True) -> bool:
    """Tell whether a condition holds; raises UndecidedError for a key that the context does not decide."""
    operator = condition.operator
    value = context.value(condition.key)
    if operator.name == "Null":
        return any((value is None) is (wanted.lower() == "true") for wanted in condition.values)
    if value is None or value == ():
        if operator.qualifier:
            return operator.qualifier == "ForAllValues" or operator.if_exists
        return operator.if_exists or operator.negated
    if isinstance(value, tuple) and not operator.qualifier:
        raise UndecidedError(f"{condition.key} has several values: {operator.name} needs ForAllValues or ForAnyValue")
    wanted = [
        each for each in (_wanted(condition, text, context, variables) for text in condition.values) if each is not None
    ]
    found = [
        any(operator.holds(literal(each), text) for text in wanted) is not operator.negated
        for each in (value if isinstance(value, tuple) else (value,))
    ]
    return any(found) if operator.qualifier == "ForAnyValue" else all(found)


def _wanted(condition: Condition, text: str, context: Context, variables: bool) -> str | None:
    done = substituted(text, context) if variables else text
    return done if done is None or condition.operator.by_pattern else literal(done)
