"""Roles as services see them: may the service assume it, and may it then do a call."""

from __future__ import annotations

from typing import Any

from emulator.identities import policies_of
from iam.document import parse
from iam.errors import IamError
from iam.evaluation import evaluate
from iam.request import Context, Principal, Request


def can_be_assumed(role_arn: str, service: str) -> bool:
    """Tell whether the role exists and its trust policy lets a service (`lambda.amazonaws.com`) in."""
    role = find_role(role_arn)
    if role is None:
        return False
    account_id = role_arn.split(":")[4]
    context = Context({"aws:SourceAccount": account_id, "sts:ExternalId": None})
    request = Request("sts:AssumeRole", role_arn, Principal(service), context)
    try:
        return evaluate(request, (), resource=parse(_text(role.assume_role_policy_document))).allowed
    except IamError:
        # A condition on what only the service knows, such as the resource it acts for.
        return True


def may(role_arn: str, action: str, resource: str = "*") -> bool:
    """Tell whether the policies of a role allow a call; `*` is a check that names no resource."""
    role = find_role(role_arn)
    if role is None:
        return False
    account_id = role_arn.split(":")[4]
    # A service that asks for its own sake runs no code of a function.
    context = Context({"lambda:SourceFunctionArn": None, "aws:PrincipalAccount": account_id})
    request = Request(action, resource, Principal(role_arn, account_id), context)
    try:
        return evaluate(request, tuple(policies_of(role))).allowed
    except IamError:
        return False


def find_role(role_arn: str) -> Any:
    """Moto's role; None when there is none."""
    from moto.iam.models import iam_backends

    roles = list(iam_backends[role_arn.split(":")[4]]["aws"].roles.values())
    return next((role for role in roles if role.arn == role_arn), None)


def _text(document: Any) -> str:
    """A policy as moto keeps it: text, at times URL-encoded."""
    from urllib.parse import unquote

    text = document if isinstance(document, str) else str(document.document)
    return unquote(text) if text.startswith("%") else text
