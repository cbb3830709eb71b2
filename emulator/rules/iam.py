"""IAM: grammar of trust policies, and sizes of policies.

Sources: IAM User Guide, policy grammar, and quotas of names and policies (2026-11-28).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from emulator.call import Refusal
from emulator.rules.policies import identity_policy, size, trust_policy
from emulator.rules.rule import Rules
from iam.errors import MalformedPolicyError

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator.call import Call

RULES = Rules("iam")

_INLINE_CHARACTERS = {"Role": 10_240, "Group": 5_120, "User": 2_048}
"""Longest size of all inline policies of one role, group or user together."""
_MANAGED_CHARACTERS = 6_144
_TRUST_CHARACTERS = 2_048
_MANAGED_POLICIES = 10


@RULES.on("CreateRole", "UpdateAssumeRolePolicy")
def a_trust_policy_is_one(call: Call) -> None:
    document = call.parameters.get("AssumeRolePolicyDocument") or call.parameters.get("PolicyDocument", "")
    _check(document, trust_policy)
    if size(document) > _TRUST_CHARACTERS:
        raise Refusal("LimitExceeded", f"Cannot exceed quota for ACLSizePerRole: {_TRUST_CHARACTERS}")


@RULES.on("PutRolePolicy", "PutUserPolicy", "PutGroupPolicy")
def inline_policies_fit(call: Call) -> None:
    document = call.parameters["PolicyDocument"]
    _check(document, identity_policy)
    kind = call.action.removeprefix("Put").removesuffix("Policy")
    name = call.parameters[f"{kind}Name"]
    owners = getattr(_backend(call), f"{kind.lower()}s").values()
    owner = next((each for each in owners if each.name == name), None)
    others = dict(owner.policies) if owner else {}
    others.pop(call.parameters["PolicyName"], None)
    total = size(document) + sum(size(_text(other)) for other in others.values())
    most = _INLINE_CHARACTERS[kind]
    if total > most:
        raise Refusal("LimitExceeded", f"Maximum policy size of {most} bytes exceeded for {kind.lower()} {name}")


@RULES.on("CreatePolicy", "CreatePolicyVersion")
def a_managed_policy_fits(call: Call) -> None:
    document = call.parameters["PolicyDocument"]
    _check(document, identity_policy)
    if size(document) > _MANAGED_CHARACTERS:
        raise Refusal("LimitExceeded", f"Cannot exceed quota for PolicySize: {_MANAGED_CHARACTERS}")


@RULES.on("AttachRolePolicy")
def a_role_has_few_managed_policies(call: Call) -> None:
    role = next((each for each in _backend(call).roles.values() if each.name == call.parameters["RoleName"]), None)
    attached = set(role.managed_policies) | {call.parameters["PolicyArn"]} if role else ()
    if len(attached) > _MANAGED_POLICIES:
        raise Refusal("LimitExceeded", f"Cannot exceed quota for PoliciesPerRole: {_MANAGED_POLICIES}")


def _check(document: str, grammar: Callable[[str], object]) -> None:
    try:
        grammar(document)
    except MalformedPolicyError as error:
        raise Refusal("MalformedPolicyDocument", str(error)) from error


def _text(document: Any) -> str:
    """A policy as moto keeps it: text, at times URL-encoded."""
    text = document if isinstance(document, str) else str(document.document)
    return unquote(text) if text.startswith("%") else text


def _backend(call: Call) -> Any:
    from moto.iam.models import iam_backends

    return iam_backends[call.account_id]["aws"]
