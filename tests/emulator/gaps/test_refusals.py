"""The emulator refuses what it cannot do at once, in the protocol's own form, and remembers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.server import Emulator

Aws = Callable[..., Any]


@pytest.mark.parametrize(
    ("service", "action", "arguments"),
    [
        ("ec2", "describe_fpga_images", {}),  # EC2's XML
        ("autoscaling", "describe_account_limits", {}),  # XML of the query protocol
        ("ecs", "list_services_by_namespace", {"namespace": "x"}),  # JSON
        ("lambda", "get_account_settings", {}),  # REST with JSON
        ("cloudfront", "list_streaming_distributions", {}),  # REST with XML, a path moto does not route
        ("imagebuilder", "list_images", {}),  # a service moto does not have
    ],
)
def test_a_missing_action_is_refused_with_501_and_listed(
    emulator: Emulator, aws: Aws, service: str, action: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ClientError) as refusal:
        getattr(aws(service), action)(**arguments)
    assert refusal.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert refusal.value.response["Error"]["Code"] == "NotImplemented"
    assert any(asked.startswith(f"{service} ") for asked in emulator.status()["missing"])


def test_an_object_that_does_not_exist_is_not_a_missing_action(aws: Aws) -> None:
    with pytest.raises(ClientError) as error:
        aws("cloudfront").get_distribution(Id="ENONE")
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 404


def test_status_counts_what_somebody_made_and_keeps(emulator: Emulator, aws: Aws, account: str) -> None:
    aws("sns").create_topic(Name="one")
    aws("sns").create_topic(Name="two")
    aws("kms").describe_key(KeyId="alias/aws/s3")
    gone = aws("kms").create_key()["KeyMetadata"]["KeyId"]
    aws("kms").schedule_key_deletion(KeyId=gone)
    held = [entry for entry in emulator.status()["inventory"] if entry["account_id"] == account]
    assert held == [{"account_id": account, "region": "eu-central-1", "service": "sns", "kind": "topics", "number": 2}]
