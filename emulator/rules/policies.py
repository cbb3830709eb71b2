"""Grammar of policy documents, for every service that takes one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from iam.document import parse
from iam.errors import MalformedPolicyError

if TYPE_CHECKING:
    from iam.document import PolicyDocument


def identity_policy(document: str) -> PolicyDocument:
    """A policy of a role, user or group: it names resources and nobody. Raises MalformedPolicyError."""
    policy = parse(document)
    for statement in policy.statements:
        if statement.principals or statement.not_principals:
            raise MalformedPolicyError("Policy document should not specify a principal.")
        if statement.resources is None and statement.not_resources is None:
            raise MalformedPolicyError("Policy statement must contain resources.")
    return policy


def trust_policy(document: str) -> PolicyDocument:
    """A role's trust policy: it names principals and no resource. Raises MalformedPolicyError."""
    policy = parse(document)
    for statement in policy.statements:
        if statement.resources is not None or statement.not_resources is not None:
            raise MalformedPolicyError("Has prohibited field Resource")
        if statement.principals is None and statement.not_principals is None:
            raise MalformedPolicyError("Missing required field Principal")
        for action in statement.actions or ():
            if not action.lower().startswith("sts:") and action != "*":
                raise MalformedPolicyError("AssumeRole policy may only specify STS AssumeRole actions.")
    return policy


def resource_policy(document: str) -> PolicyDocument:
    """A resource's own policy: it names principals and resources. Raises MalformedPolicyError."""
    policy = parse(document)
    for statement in policy.statements:
        if statement.principals is None and statement.not_principals is None:
            raise MalformedPolicyError("Missing required field Principal")
        if statement.resources is None and statement.not_resources is None:
            raise MalformedPolicyError("Missing required field Resource")
    return policy


def size(document: str) -> int:
    """Characters of a document as IAM counts them: white space is free."""
    return len("".join(document.split()))
