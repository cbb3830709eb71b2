"""Rights of those who restore a stack's tables and buckets, from the names in its Terraform JSON.

They are the calls of `operations/restore`, and what DynamoDB does with the caller's own rights: it reads and writes the
table that it restores (AWS, DynamoDB Developer Guide, "Using IAM with DynamoDB backup and restore", read 2026-11-29).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from operations.stacks import FILE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from operations.stacks import Stack

_OF_TABLES: Final = (
    "dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:DescribeContinuousBackups", "dynamodb:DescribeTable",
    "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:RestoreTableToPointInTime", "dynamodb:Scan",
    "dynamodb:UpdateItem",
)  # fmt: skip
_OF_BUCKETS: Final = (
    "s3:GetBucketOwnershipControls", "s3:GetBucketPublicAccessBlock", "s3:GetBucketVersioning", "s3:ListBucket",
    "s3:ListBucketVersions",
)  # fmt: skip
_OF_OBJECTS: Final = (
    "s3:DeleteObject", "s3:DeleteObjectVersion", "s3:GetObject", "s3:GetObjectTagging", "s3:GetObjectVersion",
    "s3:GetObjectVersionAcl", "s3:GetObjectVersionTagging", "s3:PutObject", "s3:PutObjectAcl", "s3:PutObjectTagging",
)  # fmt: skip
"""Delete markers are versions: a right to remove those alone does not exist."""


def restore_rights(stack: Stack) -> dict[str, set[str]]:
    """Action → ARNs; empty for a stack that has neither a table nor a bucket with versions."""
    found: dict[str, set[str]] = {}
    for table in _resources(stack, "aws_dynamodb_table").values():
        arn = f"arn:aws:dynamodb:{stack.region}:{stack.account_id}:table/{table['name']}"
        for action in _OF_TABLES:
            found.setdefault(action, set()).update({arn, f"{arn}-restored-*"})
    for bucket in _versioned_buckets(stack):
        for action in _OF_BUCKETS:
            found.setdefault(action, set()).add(f"arn:aws:s3:::{bucket}")
        for action in _OF_OBJECTS:
            found.setdefault(action, set()).add(f"arn:aws:s3:::{bucket}/*")
    if found:
        found["sts:GetCallerIdentity"] = {"*"}
    return found


def _versioned_buckets(stack: Stack) -> Iterator[str]:
    buckets = _resources(stack, "aws_s3_bucket")
    for versioning in _resources(stack, "aws_s3_bucket_versioning").values():
        kind, _, address = str(versioning["bucket"]).removeprefix("${").partition(".")
        if kind == "aws_s3_bucket":
            yield buckets[address.partition(".")[0]]["bucket"]


def _resources(stack: Stack, kind: str) -> dict[str, dict[str, Any]]:
    document = json.loads((stack.folder / FILE).read_text(encoding="utf-8"))
    found: dict[str, dict[str, Any]] = document["resource"].get(kind, {})
    return found
