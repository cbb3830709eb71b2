"""The lock on a state, taken as Terraform takes it, for work that Terraform has no command for."""

from __future__ import annotations

import getpass
import json
import socket
import uuid
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from operations.errors import OperatorError
from operations.state.lock_table import KEY
from operations.state.locks import Lock
from operations.state.status import locks_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client

    from operations.aws import Aws
    from operations.stacks import Stack


@contextmanager
def state_locked(aws: Aws, stack: Stack, operation: str, *, stays: bool = False) -> Iterator[Lock]:
    """Holds the lock on the stack's state, in every place its backend takes it, while the block runs.

    With `stays` it is held from then on, until somebody breaks it, unless the block fails.

    Terraform sees the holder and `operation`, and can break the lock. Raises OperatorError, naming the holder, when
    somebody else has it.
    """
    info = {
        "ID": str(uuid.uuid4()),
        "Operation": operation,
        "Info": "",
        "Who": f"{getpass.getuser()}@{socket.gethostname()}",
        "Version": "quintet",
        "Created": datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
        "Path": stack.state.lock_id,
    }
    text = json.dumps(info)
    with ExitStack() as taken:
        if (table := stack.state.lock_table) is not None:
            dynamodb = aws.client("dynamodb", region=stack.state.region)
            _take_in_table(dynamodb, table, aws, stack, text)
            taken.callback(_leave_table, dynamodb, table, stack.state.lock_id, text)
        if stack.state.lock_file:
            s3 = aws.client("s3", region=stack.state.region)
            _take_file(s3, aws, stack, text)
            taken.callback(_leave_file, s3, stack, text)
        yield Lock.from_json(text)
        if stays:
            taken.pop_all()


def _take_in_table(dynamodb: DynamoDBClient, table: str, aws: Aws, stack: Stack, text: str) -> None:
    item = {KEY: {"S": stack.state.lock_id}, "Info": {"S": text}}
    try:
        dynamodb.put_item(TableName=table, Item=item, ConditionExpression=f"attribute_not_exists({KEY})")
    except dynamodb.exceptions.ConditionalCheckFailedException:
        raise _held(aws, stack) from None


def _leave_table(dynamodb: DynamoDBClient, table: str, lock_id: str, text: str) -> None:
    try:
        dynamodb.delete_item(
            TableName=table,
            Key={KEY: {"S": lock_id}},
            ConditionExpression="Info = :ours",
            ExpressionAttributeValues={":ours": {"S": text}},
        )
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return  # somebody has broken it


def _take_file(s3: S3Client, aws: Aws, stack: Stack, text: str) -> None:
    from botocore.exceptions import ClientError

    try:
        s3.put_object(
            Bucket=stack.state.bucket, Key=stack.state.lock_key, ExpectedBucketOwner=stack.account_id,
            Body=text.encode(), ContentType="application/json", IfNoneMatch="*",
        )  # fmt: skip
    except ClientError as error:
        if error.response["Error"]["Code"] == "PreconditionFailed":
            raise _held(aws, stack) from None
        raise


def _leave_file(s3: S3Client, stack: Stack, text: str) -> None:
    bucket, key, owner = stack.state.bucket, stack.state.lock_key, stack.account_id
    try:
        found = s3.get_object(Bucket=bucket, Key=key, ExpectedBucketOwner=owner)["Body"].read().decode()
    except s3.exceptions.NoSuchKey:
        return  # somebody has broken it
    if found == text:
        s3.delete_object(Bucket=bucket, Key=key, ExpectedBucketOwner=owner)


def _held(aws: Aws, stack: Stack) -> OperatorError:
    holders = "; ".join(f"{lock.describe()} (lock {lock.id})" for lock in locks_of(aws, stack))
    return OperatorError(
        f"The state of {stack.name} is locked: {holders or 'by somebody who has just left'}.",
        hint=f"Wait until they are done. If they have died, break the lock with: quintet state unlock {stack.name}",
    )
