"""The versions of a stack's state that the bucket keeps, and how one of them becomes the current one again."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from operations.aws import Aws, check_account, refusals_explained
from operations.errors import OperatorError
from operations.state.difference import differences, resources_of
from operations.state.held_lock import state_locked
from operations.state.lock_table import KEY
from operations.state.status import require_place
from operations.terraform.documents import State

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import CopySourceTypeDef, ObjectVersionTypeDef

    from operations.stacks import Stack

_ENOUGH = 4
"""Characters of a version id that may stand for all of it."""


@dataclass(frozen=True)
class StateVersion:
    """One version of a state. `content` is empty when it cannot be read as a state of Terraform."""

    id: str
    changed: datetime
    size_bytes: int
    latest: bool
    content: State

    @property
    def serial(self) -> int | None:
        """Counts the changes of a state; None for what is no state."""
        return self.content.get("serial")

    @property
    def resources(self) -> int:
        """How many resources it knows."""
        return len(resources_of(self.content))


@dataclass(frozen=True)
class Restoration:
    """A version that can take the place of the current state, and what that would change."""

    stack: Stack
    version: StateVersion
    current: StateVersion | None
    """None when the state was deleted."""
    serial: int
    """The one it gets: above every other, so that Terraform takes it for the newest and refuses older plans."""
    differences: tuple[str, ...]


def state_versions(aws: Aws, stack: Stack, *, limit: int) -> list[StateVersion]:
    """The newest versions of the stack's state, the newest first; at most `limit`.

    Raises OperatorError when the state is not in S3, the bucket or the lock table is missing, or AWS refuses.
    """
    with refusals_explained():
        check_account(aws, stack.account_id, region=stack.state.region)
        require_place(aws, stack)
        s3 = aws.client("s3", region=stack.state.region)
        pages = s3.get_paginator("list_object_versions").paginate(
            Bucket=stack.state.bucket, ExpectedBucketOwner=stack.account_id, Prefix=stack.state.key
        )
        listed = [entry for page in pages for entry in page.get("Versions", []) if entry["Key"] == stack.state.key]
        newest = sorted(listed, key=lambda entry: (entry["IsLatest"], entry["LastModified"]), reverse=True)[:limit]
        with ThreadPoolExecutor(max_workers=16) as pool:
            return list(pool.map(lambda entry: _read(s3, stack, entry), newest))


def plan_restoration(stack: Stack, versions: Sequence[StateVersion], wanted: str) -> Restoration:
    """Restoration of the version whose id begins with `wanted`.

    Raises OperatorError when there is no such version, more than one, or it is not a state.
    """
    found = [version for version in versions if version.id == wanted]
    if not found and len(wanted) >= _ENOUGH:
        found = [version for version in versions if version.id.startswith(wanted)]
    if len(found) != 1:
        problem = "Several versions begin with" if found else "There is no version"
        raise OperatorError(
            f"{problem} {wanted} of the state of {stack.name}.", hint=f"See: quintet state versions {stack.name}"
        )
    (version,) = found
    if version.serial is None or "lineage" not in version.content:
        raise OperatorError(f"The version {version.id} of {stack.state.key} is not a state of Terraform.")
    current = next((each for each in versions if each.latest), None)
    return Restoration(
        stack,
        version,
        current,
        serial=max(each.serial or 0 for each in versions) + 1,
        differences=tuple(differences(current.content if current else {}, version.content)),
    )


def restore(aws: Aws, restoration: Restoration, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> str:
    """Make the version the current state; returns the key of the backup, empty when there was nothing to back up.

    Under the lock: the current state is copied first, then the version is written with the new serial, then its digest
    into the lock table. What was there stays a version as well. Safe to run again when it was interrupted.
    Raises OperatorError when somebody holds the lock, or the state has changed since the restoration was planned.
    """
    stack = restoration.stack
    with refusals_explained(), state_locked(aws, stack, "restore"):
        s3 = aws.client("s3", region=stack.state.region)
        current = restoration.current
        if _latest_id(s3, stack) != (current.id if current else None):
            raise OperatorError(
                f"The state of {stack.name} has changed meanwhile; nothing was restored.", hint="Look at it again."
            )
        backup = ""
        if current:
            backup = f"{stack.state.key}.before-restore-{now():%Y%m%dT%H%M%SZ}"
            source: CopySourceTypeDef = {"Bucket": stack.state.bucket, "Key": stack.state.key, "VersionId": current.id}
            s3.copy_object(
                Bucket=stack.state.bucket, ExpectedBucketOwner=stack.account_id, Key=backup,
                CopySource=source, ExpectedSourceBucketOwner=stack.account_id, ServerSideEncryption="AES256",
            )  # fmt: skip
        content = json.dumps({**restoration.version.content, "serial": restoration.serial}, indent=2).encode() + b"\n"
        s3.put_object(
            Bucket=stack.state.bucket, ExpectedBucketOwner=stack.account_id, Key=stack.state.key,
            Body=content, ContentType="application/json", ServerSideEncryption="AES256",
        )  # fmt: skip
        if stack.state.lock_table:
            digest = hashlib.md5(content, usedforsecurity=False).hexdigest()
            item = {KEY: {"S": f"{stack.state.lock_id}-md5"}, "Digest": {"S": digest}}
            aws.client("dynamodb", region=stack.state.region).put_item(TableName=stack.state.lock_table, Item=item)
        return backup


def _read(s3: S3Client, stack: Stack, entry: ObjectVersionTypeDef) -> StateVersion:
    found = s3.get_object(
        Bucket=stack.state.bucket,
        Key=stack.state.key,
        VersionId=entry["VersionId"],
        ExpectedBucketOwner=stack.account_id,
    )
    try:
        content: State = json.loads(found["Body"].read())
    except ValueError:
        content = {}
    return StateVersion(
        id=entry["VersionId"],
        changed=entry["LastModified"],
        size_bytes=entry["Size"],
        latest=entry["IsLatest"],
        content=content if isinstance(content, dict) else State(),
    )


def _latest_id(s3: S3Client, stack: Stack) -> str | None:
    from botocore.exceptions import ClientError

    try:
        head = s3.head_object(Bucket=stack.state.bucket, Key=stack.state.key, ExpectedBucketOwner=stack.account_id)
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
            return None
        raise
    return head.get("VersionId", "null")
