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


@pytest.mark.parametrize("days", [-1, 1, 6, 31])
def test_a_recovery_window_that_aws_does_not_know_is_refused(days: int):
    with pytest.raises(ValueError, match=f"recovery_window_days is 0 or between 7 and 30, not {days}"):
        Secret(sample_stack(), "api_key", name="sample", description="Of the sample", recovery_window_days=days)
