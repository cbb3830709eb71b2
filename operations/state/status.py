"""Where every stack's state stands, who holds its lock, and how a lock left behind is broken."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.aws import Aws, check_account, refusals_explained
from operations.errors import OperatorError
from operations.state.hcp_terraform import state_in_s3
from operations.state.lock_table import KEY
from operations.state.locks import Lock
from operations.terraform.terraform import StateDigestError, Terraform, TerraformError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from config.environment import Environment
    from operations.stacks import Backend, Stack


@dataclass(frozen=True)
class StateFile:
    """A state in the bucket: its serial, how many resources it knows, its size, when it was last written.

    `sound` is whether its content is what the lock table's digest says; Terraform refuses to work otherwise.
    """

    serial: int
    resources: int
    size_bytes: int
    changed: datetime
    sound: bool


@dataclass(frozen=True)
class StackStatus:
    """A stack's state (None before the first apply) and whoever holds its lock."""

    stack: Stack
    state: StateFile | None
    locks: tuple[Lock, ...]


@dataclass(frozen=True)
class EnvironmentStatus:
    """The bucket and the table of an environment, its stacks, and states in the bucket that belong to none of them."""

    bucket_exists: bool
    table_exists: bool
    stacks: tuple[StackStatus, ...]
    strays: tuple[str, ...]


def status(aws: Aws, environment: Environment, stacks: Sequence[Stack]) -> EnvironmentStatus:
    """What is known of the states of an environment. Reads only.

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
            stacks=tuple(StackStatus(stack, _state_file(aws, stack), locks_of(aws, stack)) for stack in ours),
            strays=tuple(key for key in keys or () if key.endswith(".tfstate") and key not in known),
        )


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
    backend = stack.state
    found = []
    with refusals_explained():
        if backend.lock_table and (info := _lock_table_text(aws, backend, "Info")):
            found.append(Lock.from_json(info))
        if backend.lock_file and (body := _object(aws, stack, backend.lock_key)):
            found.append(Lock.from_json(body["Body"].read().decode()))
    return tuple(dict.fromkeys(found))


def unlock(aws: Aws, stack: Stack, terraform: Terraform) -> None:
    """Break every lock on the stack's state, through Terraform, or without it when it refuses to read the state.

    Raises OperatorError for credentials of another account, TerraformError when a lock remains.
    """
    with refusals_explained():
        check_account(aws, stack.account_id, region=stack.state.region)
    try:
        terraform.init()
    except StateDigestError:
        # Whoever was ended between writing the state and its digest held the lock as well, and the lock must go first.
        _remove_locks(aws, stack)
        return
    for lock in locks_of(aws, stack):
        try:
            terraform.force_unlock(lock.id)
        except TerraformError:
            # Of a lock taken in two places one may have remained: Terraform removes it and complains of the other.
            if lock in locks_of(aws, stack):
                raise


def _remove_locks(aws: Aws, stack: Stack) -> None:
    backend = stack.state
    with refusals_explained():
        if backend.lock_table:
            dynamodb = aws.client("dynamodb", region=backend.region)
            dynamodb.delete_item(TableName=backend.lock_table, Key={KEY: {"S": backend.lock_id}})
        if backend.lock_file:
            s3 = aws.client("s3", region=backend.region)
            s3.delete_object(Bucket=backend.bucket, Key=backend.lock_key, ExpectedBucketOwner=stack.account_id)


def _keys(s3: Any, bucket: str, account_id: str) -> list[str] | None:
    """The keys in the bucket, None when there is no bucket."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, ExpectedBucketOwner=account_id)
    try:
        return [entry["Key"] for page in pages for entry in page.get("Contents", [])]
    except s3.exceptions.NoSuchBucket:
        return None


def _table_exists(dynamodb: Any, name: str) -> bool:
    try:
        dynamodb.describe_table(TableName=name)
    except dynamodb.exceptions.ResourceNotFoundException:
        return False
    return True


def _state_file(aws: Aws, stack: Stack) -> StateFile | None:
    found = _object(aws, stack, stack.state.key)
    if found is None:
        return None
    content: bytes = found["Body"].read()
    state = json.loads(content)
    managed = [resource for resource in state.get("resources", []) if resource.get("mode") == "managed"]
    digest = _lock_table_text(aws, stack.state, "Digest", suffix="-md5") if stack.state.lock_table else None
    return StateFile(
        serial=state.get("serial", 0),
        resources=sum(len(resource.get("instances", [])) for resource in managed),
        size_bytes=len(content),
        changed=found["LastModified"],
        sound=digest in (None, hashlib.md5(content, usedforsecurity=False).hexdigest()),
    )


def _object(aws: Aws, stack: Stack, key: str) -> dict[str, Any] | None:
    s3 = aws.client("s3", region=stack.state.region)
    try:
        answer: dict[str, Any] = s3.get_object(Bucket=stack.state.bucket, Key=key, ExpectedBucketOwner=stack.account_id)
    except (s3.exceptions.NoSuchKey, s3.exceptions.NoSuchBucket):
        return None
    return answer


def _lock_table_text(aws: Aws, backend: Backend, attribute: str, *, suffix: str = "") -> str | None:
    dynamodb = aws.client("dynamodb", region=backend.region)
    try:
        answer = dynamodb.get_item(
            TableName=backend.lock_table, Key={KEY: {"S": backend.lock_id + suffix}}, ConsistentRead=True
        )
    except dynamodb.exceptions.ResourceNotFoundException:
        return None
    text: str | None = answer.get("Item", {}).get(attribute, {}).get("S")
    return text
