"""Sizes that AWS limits and Terraform only learns of when it applies."""

from __future__ import annotations

import json
import re

import pytest

from config.limits import SIZES
from config.settings import ROOT
from tests.deployments.stack_json import StackJson
from tests.generated.user_data import size, user_data

STACKS = sorted(path.name for path in (ROOT / "generated" / "stacks").iterdir())
LONG = "x" * 150
"""In place of an address or ARN that is known later: none of those used here gets longer."""
USER_DATA_BYTES = 16_384
VPC_ID = "vpc-" + 17 * "x"


def resolved(policy: str) -> str:
    """The policy with ids of VPCs and long ARNs in place of references."""
    return re.sub(r"\$\{[^}]*\}", LONG[:60], re.sub(r"\$\{aws_vpc\.[^}]*\.id\}", VPC_ID, policy))


@pytest.mark.parametrize("stack", STACKS)
def test_user_data_fits_into_what_ec2_takes(stack: str) -> None:
    found = StackJson(stack)
    for name, template in found.resources("aws_launch_template").items():
        script = user_data(found.folder, template, lambda _: LONG)
        assert size(template, script) < USER_DATA_BYTES, f"{stack}: the user data of {name}; compress it, or fetch a part"


@pytest.mark.parametrize("stack", STACKS)
def test_the_inline_policies_of_a_user_fit_into_what_iam_takes(stack: str) -> None:
    found = StackJson(stack)
    for name in found.resources("aws_iam_user"):
        policies = [
            json.dumps(json.loads(resolved(policy["policy"])), separators=(",", ":"))
            for policy in found.resources("aws_iam_user_policy").values()
            if f"aws_iam_user.{name}." in policy["user"]
        ]
        assert sum(map(len, policies)) <= SIZES["inline_policies_of_a_user"], f"{stack}: the inline policies of the user {name}"
