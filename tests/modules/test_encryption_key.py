from __future__ import annotations

from typing import Any

import pytest

from modules.encryption_key import EncryptionKey
from tests.modules.synth import ABSENT, Synthesised, assert_subset, sample_stack, synthesised


def key(*, protect_data: bool = True, protect: bool | None = None, services: tuple[str, ...] = ()) -> Synthesised:
    stack = sample_stack(protect_data=protect_data)
    EncryptionKey(stack, "key", name="sample", description="Of the sample", protect=protect, services=services)
    return synthesised(stack)


def test_a_key_changes_every_year_and_is_found_by_its_alias():
    result = key()
    assert_subset(result.resource("aws_kms_key.key"), {"enable_key_rotation": True, "deletion_window_in_days": 30})
    assert_subset(
        result.resource("aws_kms_alias.key_alias"),
        {"name": "alias/sample", "target_key_id": "${aws_kms_key.key.key_id}"},
    )


@pytest.mark.parametrize(
    ("protect_data", "protect", "lifecycle"),
    [(True, None, {"prevent_destroy": True}), (False, None, ABSENT), (True, False, ABSENT)],
)
def test_a_key_is_protected_as_the_stack_s_data_unless_it_encrypts_none(
    protect_data: bool, protect: bool | None, lifecycle: Any
):
    found = key(protect_data=protect_data, protect=protect)
    assert_subset(found.resource("aws_kms_key.key"), {"lifecycle": lifecycle})


def test_iam_policies_of_the_account_decide_and_nobody_else_comes_in():
    policy = key().policy("aws_kms_key.key")
    assert list(policy) == ["IamPoliciesDecide"]
    assert policy["IamPoliciesDecide"]["Principal"] == {"AWS": ["arn:aws:iam::111122223333:root"]}
    assert "kms:Put*" in policy["IamPoliciesDecide"]["Action"]  # else nobody could ever change the policy


def test_services_use_the_key_on_behalf_of_this_account_only():
    assert_subset(
        key(services=("cloudwatch.amazonaws.com",)).policy("aws_kms_key.key")["ServicesOfThisAccount"],
        {
            "Principal": {"Service": ["cloudwatch.amazonaws.com"]},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}},
        },
    )
