"""Restore of a bucket's objects to what they were at a moment, from the versions that the bucket keeps."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from operations.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import CopySourceTypeDef

_AT_ONCE = 16


@dataclass(frozen=True)
class ObjectChange:
    """One object that is not what it was: the version to bring back; None for one that did not exist."""

    key: str
    version: str | None


def changes_since(s3: S3Client, bucket: str, prefix: str, moment: datetime) -> Iterator[ObjectChange]:
    """Each object below `prefix` that differs from what it was at `moment`.

    Raises OperatorError where the bucket keeps no versions. A version that the bucket's lifecycle has removed since
    cannot be told from one that never was: see its rule for noncurrent versions first.
    """
    if s3.get_bucket_versioning(Bucket=bucket).get("Status") != "Enabled":
        raise OperatorError(f"{bucket} keeps no versions of its objects; there is nothing to restore from.")
    history: dict[str, list[dict[str, Any]]] = {}
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        for entry in page.get("Versions", []):
            history.setdefault(entry["Key"], []).append({**entry, "Deleted": False})
        for marker in page.get("DeleteMarkers", []):
            history.setdefault(marker["Key"], []).append({**marker, "Deleted": True})
    for key, entries in sorted(history.items()):
        # S3 lists the versions of a key from the newest to the oldest; the sort keeps that order where times are equal.
        newest_first = sorted(entries, key=itemgetter("LastModified"), reverse=True)
        then = next((entry for entry in newest_first if entry["LastModified"] <= moment), None)
        now = next(entry for entry in entries if entry["IsLatest"])
        existed = then is not None and not then["Deleted"]
        if existed and then is not None and then is not now and not _same(then, now):
            yield ObjectChange(key, then["VersionId"])
        elif not existed and not now["Deleted"]:
            yield ObjectChange(key, None)


def bring_back(s3: S3Client, bucket: str, changes: Sequence[ObjectChange]) -> None:
    """Make each object what it was; what it is now stays as a version. Safe to interrupt: run it again to resume."""

    def one(change: ObjectChange) -> None:
        if change.version is None:
            s3.delete_object(Bucket=bucket, Key=change.key)
            return
        source: CopySourceTypeDef = {"Bucket": bucket, "Key": change.key, "VersionId": change.version}
        s3.copy(source, bucket, change.key)  # in parts, where it is larger than 5 GB

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for _ in pool.map(one, changes):
            pass


def _same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """True for two versions with the same content, such as one that was brought back before."""
    return not other["Deleted"] and (one["ETag"], one["Size"]) == (other["ETag"], other["Size"])
