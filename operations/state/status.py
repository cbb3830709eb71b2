"""Where every stack's state stands, who holds its lock, and how a lock left behind is broken."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from operations.aws import Aws, check_account, refusals_explained
from operations.errors import OperatorError
from operations.state.difference import resources_of
from operations.state.hcp_terraform import state_in_s3
from operations.state.lock_table import KEY
from operations.state.locks import Lock

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime

    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef, DeleteItemInputTypeDef
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

    from config.environment import Environment
    from operations.stacks import Backend, Stack
    from operations.terraform.documents import State

    _Item = dict[str, AttributeValueTypeDef]


@dataclass(frozen=True)
class StateFile:
    """A state in the bucket: its serial, how many resources it knows, its size, when it was last written.

    `problem` says why Terraform cannot work with it, and is empty otherwise.
    """

    serial: int
    resources: int
    size_bytes: int
    changed: datetime
    problem: str


@dataclass(frozen=True)
class StackStatus:
    """A stack's state and whoever holds its lock.

    `state` is None where the bucket holds none: before the first apply, but `digest_left` when there was one once.
    """

    stack: Stack
    state: StateFile | None
    digest_left: bool
    at_former_key: bool
    """True when the state was not moved yet to the key that begins with the environment."""
    locks: tuple[Lock, ...]


@dataclass(frozen=True)
class EnvironmentStatus:
    """The bucket and the table of an environment, its stacks, and states in the bucket that belong to none of them."""

    bucket_exists: bool
    table_exists: bool
    stacks: tuple[StackStatus, ...]
    strays: tuple[str, ...]


def status(aws: Aws, environment: Environment, stacks: Sequence[Stack]) -> EnvironmentStatus:
    """Status of the states of an environment. Reads only.

    Raises OperatorError when AWS refuses, and when HCP Terraform keeps the states.
    """
    place = state_in_s3(environment)
    with refusals_explained():
        check_account(aws, environment.account_id, region=place.region)
        s3 = aws.client("s3", region=place.region)
        keys = _keys(s3, place.bucket, environment.account_id)
        dynamodb = aws.client("dynamodb", region=place.region)
        ours = [stack for stack in stacks if stack.backend is not None]
        known = {stack.state.key for stack in ours}
        return EnvironmentStatus(
            bucket_exists=keys is not None,
            table_exists=_table_exists(dynamodb, place.lock_table),
            stacks=tuple(_stack_status(aws, stack) for stack in ours),
            strays=tuple(key for key in keys or () if key.endswith(".tfstate") and key not in known),
        )


def _stack_status(aws: Aws, stack: Stack) -> StackStatus:
    from operations.state.belonging import left_at_former_place

    state = _state_file(aws, stack)
    return StackStatus(
        stack,
        state,
        at_former_key=state is None and left_at_former_place(aws, stack),
        digest_left=state is None and recorded_digest(aws, stack.state) is not None,
        locks=(*locks_of(aws, stack), *operators_of(aws, stack)),
    )


def absence(found: EnvironmentStatus, row: StackStatus) -> str:
    """The reason why the stack has no state."""
    if not found.bucket_exists:
        return "no bucket"
    if row.at_former_key:
        return "to be moved"
    return "deleted; a digest is left" if row.digest_left else "never applied"


def require_place(aws: Aws, stack: Stack) -> None:
    """Raises OperatorError when the bucket or the lock table that the stack's backend names does not exist."""
    backend = stack.state
    with refusals_explained():
        missing = []
        if _keys(aws.client("s3", region=backend.region), backend.bucket, stack.account_id) is None:
            missing.append(f"bucket {backend.bucket}")
        if backend.lock_table and not _table_exists(aws.client("dynamodb", region=backend.region), backend.lock_table):
            missing.append(f"lock table {backend.lock_table}")
    if missing:
        raise OperatorError(
            f"The state of {stack.name} has no place: there is no {' and no '.join(missing)} in {backend.region}.",
            hint=f"Make it with: quintet state bootstrap {stack.environment}",
        )


def locks_of(aws: Aws, stack: Stack) -> tuple[Lock, ...]:
    """The locks held on the stack's state, wherever its backend takes them; one taken in both places counts once."""
    return tuple(dict.fromkeys(lock for lock, _ in _held_locks(aws, stack)))


def operators_of(aws: Aws, stack: Stack) -> tuple[Lock, ...]:
    """The locks of operators who change the stack outside of Terraform."""
    return locks_of(aws, operator_place(stack))


def operator_place(stack: Stack) -> Stack:
    """The stack with the lock of its operators in the place of its state's."""
    return replace(stack, backend=replace(stack.state, key=f"{stack.state.key}.operator"))


def unlock(aws: Aws, stack: Stack, locks: Collection[Lock]) -> None:
    """Break `locks`, as they were seen on the stack's state; one that is gone is fine.

    Not by Terraform, which neither reads a lock without an id nor breaks one while the state is unreadable.
    Raises OperatorError for credentials of another account, and when somebody else holds the lock by now.
    """
    with refusals_explained():
        check_account(aws, stack.account_id, region=stack.state.region)
        for lock, remove in (*_held_locks(aws, stack), *_held_locks(aws, operator_place(stack))):
            if lock not in locks or not remove():
                raise OperatorError(
                    f"The state of {stack.name} is locked by somebody else by now: {lock.describe()}.",
                    hint=f"Look again: quintet state unlock {stack.name}",
                )


def current_state(aws: Aws, stack: Stack) -> State:
    """The stack's state; empty when there is none, or none that can be read. Raises OperatorError when AWS refuses."""
    with refusals_explained():
        return read_document(state_content(aws, stack) or b"")[0]


def state_content(aws: Aws, stack: Stack) -> bytes | None:
    """The bytes of the stack's state; None where there is none."""
    found = _object(aws, stack, stack.state.key)
    return found["Body"].read() if found else None


def _held_locks(aws: Aws, stack: Stack) -> list[tuple[Lock, Callable[[], bool]]]:
    """Each lock on the stack's state, and what removes it as long as it is that one; True when it did."""
    backend = stack.state
    found: list[tuple[Lock, Callable[[], bool]]] = []
    with refusals_explained():
        if (table := backend.lock_table) and (item := _lock_item(aws, backend, table)) is not None:
            lock = Lock.from_json(item.get("Info", {}).get("S", ""))
            found.append((lock, partial(_remove_item, aws, backend, table, item)))
        if backend.lock_file and (body := _object(aws, stack, backend.lock_key)):
            text = body["Body"].read().decode(errors="replace")
            found.append((Lock.from_json(text), partial(_remove_file, aws, stack, text)))
    return found


def _remove_item(aws: Aws, backend: Backend, table: str, item: _Item) -> bool:
    dynamodb = aws.client("dynamodb", region=backend.region)
    unchanged: DeleteItemInputTypeDef = {
        "TableName": table,
        "Key": {KEY: {"S": backend.lock_id}},
        "ConditionExpression": "attribute_not_exists(Info)",
    }
    if "Info" in item:
        unchanged["ConditionExpression"] = "Info = :seen"
        unchanged["ExpressionAttributeValues"] = {":seen": item["Info"]}
    try:
        dynamodb.delete_item(**unchanged)
    except dynamodb.exceptions.ConditionalCheckFailedException:
        return False
    return True


def _remove_file(aws: Aws, stack: Stack, text: str) -> bool:
    found = _object(aws, stack, stack.state.lock_key)
    if found is not None and found["Body"].read().decode(errors="replace") != text:
        return False
    s3 = aws.client("s3", region=stack.state.region)
    s3.delete_object(Bucket=stack.state.bucket, Key=stack.state.lock_key, ExpectedBucketOwner=stack.account_id)
    return True


def _keys(s3: S3Client, bucket: str, account_id: str) -> list[str] | None:
    """The keys in the bucket, None when there is no bucket."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, ExpectedBucketOwner=account_id)
    try:
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    except s3.exceptions.NoSuchBucket:
        return None


def _table_exists(dynamodb: DynamoDBClient, name: str) -> bool:
    try:
        dynamodb.describe_table(TableName=name)
    except dynamodb.exceptions.ResourceNotFoundException:
        return False
    return True


def read_document(content: bytes) -> tuple[State, str]:
    """The state in `content`, empty where it is none, and then the reason."""
    if not content:
        return {}, "0 bytes: Terraform would take it for no state and create everything again"
    try:
        state = json.loads(content)
    except (ValueError, RecursionError):
        return {}, "not JSON"
    try:
        resources_of(state)
        whole = isinstance(state["lineage"], str) and isinstance(state["serial"], int)
    except (AttributeError, KeyError, TypeError):
        whole = False
    return (state, "") if whole else ({}, "JSON, but not a state of Terraform")


def _state_file(aws: Aws, stack: Stack) -> StateFile | None:
    found = _object(aws, stack, stack.state.key)
    if found is None:
        return None
    content: bytes = found["Body"].read()
    state, problem = read_document(content)
    digest = recorded_digest(aws, stack.state)
    if not problem and digest not in (None, hashlib.md5(content, usedforsecurity=False).hexdigest()):
        problem = "differs from the digest in the lock table"
    return StateFile(
        serial=state.get("serial", 0),
        resources=len(resources_of(state)),
        size_bytes=len(content),
        changed=found["LastModified"],
        problem=problem,
    )


def _object(aws: Aws, stack: Stack, key: str) -> GetObjectOutputTypeDef | None:
    s3 = aws.client("s3", region=stack.state.region)
    try:
        return s3.get_object(Bucket=stack.state.bucket, Key=key, ExpectedBucketOwner=stack.account_id)
    except (s3.exceptions.NoSuchKey, s3.exceptions.NoSuchBucket):
        return None


def recorded_digest(aws: Aws, backend: Backend) -> str | None:
    """The digest of the state in the lock table; None where there is none."""
    item = _lock_item(aws, backend, backend.lock_table, suffix="-md5") if backend.lock_table else None
    return item.get("Digest", {}).get("S") if item else None


def _lock_item(aws: Aws, backend: Backend, table: str, *, suffix: str = "") -> _Item | None:
    dynamodb = aws.client("dynamodb", region=backend.region)
    try:
        answer = dynamodb.get_item(TableName=table, Key={KEY: {"S": backend.lock_id + suffix}}, ConsistentRead=True)
    except dynamodb.exceptions.ResourceNotFoundException:
        return None
    return answer.get("Item")
