from __future__ import annotations

import pytest

from modules.secret import Secret
from tests.modules.peer import Peer
from tests.modules.synth import assert_subset, sample_stack, synthesised


def test_a_secret_has_no_value_in_terraform():
    stack = sample_stack()
    Secret(stack, "api_key", name="sample-api-key", description="Of the sample")
    result = synthesised(stack)
    assert result.addresses() == {"aws_secretsmanager_secret.api_key"}
    assert_subset(
        result.resource("aws_secretsmanager_secret.api_key"),
        {"name": "sample-api-key", "description": "Of the sample", "recovery_window_in_days": 30},
    )


def test_its_value_is_read_by_grant():
    stack = sample_stack()
    Secret(stack, "api_key", name="sample-api-key", description="Of the sample").grant_read(Peer(stack, "web"))
    assert_subset(
        synthesised(stack).policy("aws_iam_role_policy.api_key_read_by_web"),
        {
            "ReadSecret": {
                "Action": ["secretsmanager:GetSecretValue"],
                "Resource": ["${aws_secretsmanager_secret.api_key.arn}"],
            }
        },
    )


@pytest.mark.parametrize(("protect_data", "days"), [(True, 30), (False, 0)])
def test_a_destroyed_secret_can_be_restored_where_data_is_protected(protect_data: bool, days: int):
    stack = sample_stack(protect_data=protect_data)
    Secret(stack, "api_key", name="sample", description="Of the sample")
    found = synthesised(stack).resource("aws_secretsmanager_secret.api_key")
    assert_subset(found, {"recovery_window_in_days": days})
