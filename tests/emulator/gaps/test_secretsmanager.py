from __future__ import annotations

from collections.abc import Callable
from typing import Any


def test_secrets_without_a_value_are_reported_beside_those_that_have_one(aws: Callable[..., Any]) -> None:
    manager = aws("secretsmanager")
    manager.create_secret(Name="full", SecretString="value")
    manager.create_secret(Name="empty")
    answer = manager.batch_get_secret_value(SecretIdList=["empty", "full"])
    assert [(found["Name"], found["SecretString"]) for found in answer["SecretValues"]] == [("full", "value")]
    (error,) = answer["Errors"]
    assert (error["SecretId"], error["ErrorCode"]) == ("empty", "ResourceNotFoundException")
    assert not manager.batch_get_secret_value(SecretIdList=["empty"])["SecretValues"]
