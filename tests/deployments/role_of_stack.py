"""Roles that hold what a committed stack grants, for programs that run against a test's own resources."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from modules.policy import assumed_by
from operations.aws import Aws
from operations.engines.keys import keys_of
from tests.permissions.committed import CommittedStack

_REFERENCE = re.compile(r"\$\{(aws_\w+)\.(\w+)\.[\w\[\].]+\}")
_EXAMPLE_SUFFIX = re.compile(r"-AbCdEf\b")


def keys_of_role(
    operator: Aws, stack: str, role: str, *, account: str, region: str, resources: Mapping[str, str] | None = None
) -> dict[str, str]:
    """The variables with which a program signs as `role` of the committed stack.

    `resources` are those whose ARN is the test's own, by their address in the stack; all others are called as in the
    stack, in the test's account and region. A role that a test asks for twice is one.
    """
    found = CommittedStack(stack)
    given = resources or {}

    def here(match: re.Match[str]) -> str:
        own = given.get(f"{match[1]}.{match[2]}")
        return own if own is not None else _EXAMPLE_SUFFIX.sub("-??????", found.resolved(match.group()))

    iam: Any = operator.client("iam", region=region)
    try:
        arn = iam.get_role(RoleName=role)["Role"]["Arn"]
    except iam.exceptions.NoSuchEntityException:
        made = iam.create_role(RoleName=role, AssumeRolePolicyDocument=assumed_by("ec2.amazonaws.com"))
        arn = made["Role"]["Arn"]
    granted = 0
    for name, policy in found.resources["aws_iam_role_policy"].items():
        if f"aws_iam_role.{role}." in policy["role"]:
            text = _REFERENCE.sub(here, policy["policy"])
            text = text.replace(found.account_id, account).replace(f":{found.region}:", f":{region}:")
            iam.put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=text)
            granted += 1
    assert granted, f"{stack} grants nothing to {role}"
    return keys_of(operator, arn, region=region)
