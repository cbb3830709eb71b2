"""Restore of a bucket's objects to what they were at a moment, from the versions that the bucket keeps.

Versions are never deleted: what an object is now stays below what it becomes.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode

from operations.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import CopySourceTypeDef

LARGEST_COPY = 5 * 1024**3
"""CopyObject takes this much, with metadata and tags; what is larger is copied in parts (S3 User Guide, 2026-11-29)."""
_AT_ONCE = 16
_PUBLIC = "http://acs.amazonaws.com/groups/global/AllUsers"


@dataclass(frozen=True)
class ObjectChange:
    """One object that is not what it was at the moment.

    `copy` writes `version` anew, `undelete` removes the delete `markers` above it, `delete` adds such a marker.
    """

    key: str
    action: Literal["copy", "undelete", "delete"]
    version: str = ""
    size: int = 0
    markers: tuple[str, ...] = ()


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
        change = _change(key, entries, moment)
        if change is not None:
            yield change


def bring_back(
    s3: S3Client, bucket: str, changes: Sequence[ObjectChange], *, done: Callable[[], None] = lambda: None
) -> None:
    """Make each object what it was, telling `done` of each. Safe to interrupt: run it again to resume."""
    acls = _has_acls(s3, bucket)

    def one(change: ObjectChange) -> None:
        if change.action == "delete":
            s3.delete_object(Bucket=bucket, Key=change.key)
        elif change.action == "undelete":
            for marker in change.markers:
                s3.delete_object(Bucket=bucket, Key=change.key, VersionId=marker)
        else:
            _copy(s3, bucket, change, acls=acls)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for _ in pool.map(one, changes):
            done()


def _change(key: str, entries: list[dict[str, Any]], moment: datetime) -> ObjectChange | None:
    # S3 lists the versions of a key from the newest to the oldest; the sort keeps that order where times are equal.
    newest_first = sorted(entries, key=itemgetter("LastModified"), reverse=True)
    place = next((at for at, entry in enumerate(newest_first) if entry["LastModified"] <= moment), None)
    then = None if place is None or newest_first[place]["Deleted"] else newest_first[place]
    now = next(entry for entry in entries if entry["IsLatest"])
    if then is None:
        return None if now["Deleted"] else ObjectChange(key, "delete")
    if then is now or (not now["Deleted"] and (then["ETag"], then["Size"]) == (now["ETag"], now["Size"])):
        return None  # such as one that was brought back before
    since = newest_first[:place]
    if all(entry["Deleted"] for entry in since):
        return ObjectChange(key, "undelete", then["VersionId"], markers=tuple(entry["VersionId"] for entry in since))
    return ObjectChange(key, "copy", then["VersionId"], then["Size"])


def _copy(s3: S3Client, bucket: str, change: ObjectChange, *, acls: bool) -> None:
    """Write the version anew, with its metadata, tags and, where the bucket has ACLs, whether all may read it."""
    key, version = change.key, change.version
    source: CopySourceTypeDef = {"Bucket": bucket, "Key": key, "VersionId": version}
    extra: dict[str, Any] = {}
    if acls:
        grants = s3.get_object_acl(Bucket=bucket, Key=key, VersionId=version)["Grants"]
        if any(grant["Grantee"].get("URI") == _PUBLIC and grant["Permission"] == "READ" for grant in grants):
            extra["ACL"] = "public-read"
    if change.size <= LARGEST_COPY:
        s3.copy_object(Bucket=bucket, Key=key, CopySource=source, **extra)
        return
    head: Any = s3.head_object(Bucket=bucket, Key=key, VersionId=version)
    kept = ("CacheControl", "ContentDisposition", "ContentEncoding", "ContentLanguage", "ContentType", "StorageClass")
    extra |= {name: head[name] for name in kept if name in head} | {"Metadata": head["Metadata"]}
    tags = s3.get_object_tagging(Bucket=bucket, Key=key, VersionId=version)["TagSet"]
    if tags:
        extra["Tagging"] = urlencode({tag["Key"]: tag["Value"] for tag in tags})
    s3.copy(source, bucket, key, ExtraArgs=extra)


def _has_acls(s3: S3Client, bucket: str) -> bool:
    """True where objects may have ACLs that AWS heeds."""
    from botocore.exceptions import ClientError

    try:
        rules = s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"]["Rules"]
        blocked = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    except ClientError as error:
        if error.response["Error"]["Code"] in (
            "OwnershipControlsNotFoundError",
            "NoSuchPublicAccessBlockConfiguration",
        ):
            return True
        raise
    enforced = any(rule["ObjectOwnership"] == "BucketOwnerEnforced" for rule in rules)
    return not enforced and not blocked.get("BlockPublicAcls") and not blocked.get("IgnorePublicAcls")
