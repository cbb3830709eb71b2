"""Roles of `quintet roles`, created on the emulator before the stacks whose plans and applies they allow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from operations.roles.documents import role_documents
from operations.roles.provider_rights import roles_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from operations.aws import Aws
    from operations.roles.role import Role
    from operations.stacks import Stack

_TRUST = {"Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}}
"""Trust that nobody uses: the emulator hands out a role's keys by itself."""


def role_name(stack: Stack, role: Role) -> str:
    """A name that does not begin with the stack's, so that no stack's apply may change its own role."""
    return f"{role}-{stack.name}"


def role_arn(stack: Stack, role: Role) -> str:
    """The ARN of what `create_roles` creates."""
    return f"arn:aws:iam::{stack.account_id}:role/{role_name(stack, role)}"


def create_roles(aws: Aws, stacks: Iterable[Stack]) -> None:
    """Create every role of the stacks, with its documents. Raises OperatorError for a deployment never recorded."""
    for stack in stacks:
        iam = aws.client("iam", region=stack.region)
        for role in roles_of(stack):
            iam.create_role(RoleName=role_name(stack, role), AssumeRolePolicyDocument=json.dumps(_TRUST))
            for document in role_documents(stack, role):
                policy = iam.create_policy(PolicyName=document.name, PolicyDocument=document.text)
                iam.attach_role_policy(RoleName=role_name(stack, role), PolicyArn=policy["Policy"]["Arn"])


def lacking_rights(status: Mapping[str, Any], stacks: Iterable[Stack]) -> Iterator[str]:
    """Sentences on what the emulator refused to the stacks' roles, and on calls whose rights it could not judge."""
    names = {f"role/{role_name(stack, role)}" for stack in stacks for role in roles_of(stack)}
    for each in status["decisions"]["denied"]:
        if each["caller"] in names:
            yield f"Denied to {each['caller']}: {each['action']} on {each['resource']}, {each['reason']}"
    for action, times in status["missing"].items():
        yield f"The emulator does not know {action}, called {times} times"
