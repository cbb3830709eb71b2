"""The `/dynamodb` page: the table is as the document wants it, and this machine may use it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from . import aws
from .failure import CheckError

if TYPE_CHECKING:
    from ..config import AwsConfig, DynamoDbConfig


def check_dynamodb(settings: DynamoDbConfig, where: AwsConfig) -> None:
    """Compare the table's key with the configured one, then put, read and delete an item of this machine's own.

    A role that may only read is fine: the item is then merely looked for. Raises CheckError.
    """
    try:
        dynamodb = aws.client("dynamodb", where.region)
        _refuse_other_keys(settings, dynamodb.describe_table(TableName=settings.table)["Table"])
        _use(settings, dynamodb)
    except (BotoCoreError, ClientError) as error:
        raise CheckError(f"table {settings.table} in {where.region}: {aws.cause(error)}") from error


def _refuse_other_keys(settings: DynamoDbConfig, table: dict[str, Any]) -> None:
    types = {definition["AttributeName"]: definition["AttributeType"] for definition in table["AttributeDefinitions"]}
    keys = [f"{key['AttributeName']} ({key['KeyType']}, {types[key['AttributeName']]})" for key in table["KeySchema"]]
    expected = [f"{settings.partition_key} (HASH, S)"]
    if keys != expected:
        raise CheckError(f"table {settings.table} has the key {', '.join(keys)}; it must be {expected[0]} alone")


def _use(settings: DynamoDbConfig, dynamodb: Any) -> None:
    item = {settings.partition_key: {"S": f"suaicloudapp-check-{socket.gethostname()}"}}
    try:
        dynamodb.put_item(TableName=settings.table, Item=item)
    except ClientError as error:
        if not aws.is_denied(error):
            raise
        dynamodb.get_item(TableName=settings.table, Key=item, ConsistentRead=True)
        return
    found = dynamodb.get_item(TableName=settings.table, Key=item, ConsistentRead=True)
    dynamodb.delete_item(TableName=settings.table, Key=item)
    if "Item" not in found:
        raise CheckError(f"table {settings.table} does not return the item that was just put into it")
