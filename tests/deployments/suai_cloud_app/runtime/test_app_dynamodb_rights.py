"""The `/dynamodb` check with the rights a role may have, which the emulator does not enforce."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import botocore.session
import pytest
from botocore.stub import Stubber

from deployments.suai_cloud_app.runtime.app.checks import aws
from deployments.suai_cloud_app.runtime.app.checks.dynamodb import check_dynamodb
from deployments.suai_cloud_app.runtime.app.checks.failure import CheckError
from deployments.suai_cloud_app.runtime.app.config import AwsConfig, DynamoDbConfig

ITEM = {"id": {"S": f"suaicloudapp-check-{socket.gethostname()}"}}
TABLE = {
    "Table": {
        "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
    }
}
GET = {"TableName": "table", "Key": ITEM, "ConsistentRead": True}


@pytest.fixture
def dynamodb(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    client = botocore.session.get_session().create_client(
        "dynamodb", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    monkeypatch.setattr(aws, "client", lambda service, region: client)
    with Stubber(client) as stubber:
        yield stubber
    stubber.assert_no_pending_responses()


def check() -> None:
    check_dynamodb(DynamoDbConfig("table", "id"), AwsConfig("eu-central-1"))


def test_a_role_that_may_only_read_is_ok(dynamodb: Stubber) -> None:
    dynamodb.add_response("describe_table", TABLE, {"TableName": "table"})
    dynamodb.add_client_error(
        "put_item", "AccessDeniedException", "no", expected_params={"TableName": "table", "Item": ITEM}
    )
    dynamodb.add_response("get_item", {}, GET)
    check()


def test_a_role_that_may_not_read_is_an_error(dynamodb: Stubber) -> None:
    dynamodb.add_response("describe_table", TABLE)
    dynamodb.add_client_error("put_item", "AccessDeniedException", "no")
    dynamodb.add_client_error("get_item", "AccessDeniedException", "may not dynamodb:GetItem")
    with pytest.raises(
        CheckError, match=r"table table in eu-central-1: AccessDenied.*: may not dynamodb:GetItem \(GetItem\)"
    ):
        check()


def test_a_write_that_fails_for_another_reason_is_an_error(dynamodb: Stubber) -> None:
    dynamodb.add_response("describe_table", TABLE)
    dynamodb.add_client_error("put_item", "ProvisionedThroughputExceededException", "slow down")
    with pytest.raises(CheckError, match="slow down"):
        check()


def test_an_item_that_vanishes_is_an_error_and_still_deleted(dynamodb: Stubber) -> None:
    dynamodb.add_response("describe_table", TABLE)
    dynamodb.add_response("put_item", {})
    dynamodb.add_response("get_item", {}, GET)
    dynamodb.add_response("delete_item", {}, {"TableName": "table", "Key": ITEM})
    with pytest.raises(CheckError, match="does not return the item"):
        check()
