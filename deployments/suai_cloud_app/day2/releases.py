"""The releases of the SUAI Cloud App in its bucket, and the pointer to the one that instances fetch at boot.

`<prefix><version>/suaicloudapp` is a release; `<prefix>current` is JSON with the version and SHA-256 of the current one
and the version before it. Instances read it in deployments/suai_cloud_app/runtime/boot.py.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    from mypy_boto3_s3.type_defs import ObjectTypeDef

    from deployments.suai_cloud_app.outputs import SuaiCloudAppOutputs
    from operations.aws import Aws
    from operations.stacks import Stack

DEPLOYMENT = "suai-cloud-app"
FILE_NAME = "suaicloudapp"
VERSION = re.compile(r"(?!current$)[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Pattern of a version; `current` is the pointer's name."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CHANGED_MEANWHILE = ("PreconditionFailed", "ConditionalRequestConflict")


@dataclass(frozen=True)
class Release:
    """A version and the SHA-256 of its executable file."""

    version: str
    sha256: str


@dataclass(frozen=True)
class Published:
    """A release in the bucket, as listed."""

    version: str
    size_bytes: int
    at: datetime


@dataclass(frozen=True)
class Pointer:
    """The pointer as found: `release` is None when it is not what this project writes, and instances refuse it."""

    release: Release | None
    previous: str | None
    written: datetime
    etag: str


class Releases:
    """The releases of one environment. Methods raise what botocore raises (see `operations.aws.refusals_explained`)."""

    def __init__(self, aws: Aws, stack: Stack, outputs: SuaiCloudAppOutputs) -> None:
        self._s3 = aws.client("s3", region=stack.region)
        self._prefix = outputs.release_prefix
        self._name = outputs.bucket
        # The owner goes with every request, so that no name can lead into a stranger's bucket.
        self._owner = stack.account_id

    @property
    def pointer_address(self) -> str:
        """Where the pointer is."""
        return f"s3://{self._name}/{self._prefix}current"

    def address(self, version: str) -> str:
        """Where the executable of a version is."""
        return f"s3://{self._name}/{self._key(version)}"

    def all(self) -> list[Published]:
        """Every release, the newest first."""
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._name, ExpectedBucketOwner=self._owner, Prefix=self._prefix
        )
        found = [published for page in pages for published in self._published(page.get("Contents", []))]
        return sorted(found, key=lambda published: (published.at, published.version), reverse=True)

    def find(self, version: str) -> Release | None:
        """The release as it is in the bucket, with the checksum S3 verified when it came; None when there is none."""
        from botocore.exceptions import ClientError

        key = self._key(version)
        try:
            head = self._s3.head_object(
                Bucket=self._name, ExpectedBucketOwner=self._owner, Key=key, ChecksumMode="ENABLED"
            )
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404:
                return None
            raise
        checksum = head.get("ChecksumSHA256", "-")
        if "-" not in checksum:  # one of an upload in parts is a checksum of checksums
            return Release(version, base64.b64decode(checksum).hex())
        digest = hashlib.sha256()
        whole = self._s3.get_object(Bucket=self._name, ExpectedBucketOwner=self._owner, Key=key)
        for chunk in whole["Body"].iter_chunks(1024 * 1024):
            digest.update(chunk)
        return Release(version, digest.hexdigest())

    def upload(self, release: Release, file: Path) -> None:
        """Put the file into the bucket as this release. Raises OperatorError when there is one meanwhile."""
        checksum = base64.b64encode(bytes.fromhex(release.sha256)).decode()
        with file.open("rb") as content:
            self._put(
                self._key(release.version),
                f"{release.version} was published by somebody else at this moment.",
                Body=content,
                ChecksumSHA256=checksum,
                ContentType="application/octet-stream",
                IfNoneMatch="*",
            )

    def current(self) -> Pointer | None:
        """The pointer; None when nothing was published yet."""
        try:
            found = self._s3.get_object(
                Bucket=self._name, ExpectedBucketOwner=self._owner, Key=f"{self._prefix}current"
            )
        except self._s3.exceptions.NoSuchKey:
            return None
        release, previous = parsed(found["Body"].read())
        return Pointer(release, previous, found["LastModified"], found["ETag"])

    def point_to(self, release: Release, *, previous: str | None, replacing: Pointer | None) -> None:
        """Make `release` the current one at once.

        Raises OperatorError, with nothing written, when the pointer is no longer the one that was to be replaced.
        """
        condition = {"IfMatch": replacing.etag} if replacing else {"IfNoneMatch": "*"}
        text = json.dumps({"version": release.version, "sha256": release.sha256, "previous": previous})
        self._put(
            f"{self._prefix}current",
            f"Somebody else has switched {self.pointer_address} at this moment.",
            Body=f"{text}\n".encode(),
            ContentType="application/json",
            **condition,
        )

    def _put(self, key: str, conflict: str, **arguments: Any) -> None:
        from botocore.exceptions import ClientError

        try:
            self._s3.put_object(Bucket=self._name, ExpectedBucketOwner=self._owner, Key=key, **arguments)
        except ClientError as error:
            if error.response["Error"]["Code"] in _CHANGED_MEANWHILE:
                raise OperatorError(conflict, hint="See what is published: quintet suai releases") from None
            raise

    def _key(self, version: str) -> str:
        return f"{self._prefix}{version}/{FILE_NAME}"

    def _published(self, contents: list[ObjectTypeDef]) -> Iterator[Published]:
        for entry in contents:
            version, _, file = entry["Key"].removeprefix(self._prefix).partition("/")
            if file == FILE_NAME and VERSION.fullmatch(version):
                yield Published(version, entry["Size"], entry["LastModified"])


def parsed(content: bytes) -> tuple[Release | None, str | None]:
    """The release that a pointer names, None when instances refuse it, and the version before."""
    try:
        fields = json.loads(content)
        release = Release(fields["version"], fields["sha256"])
        previous: str | None = fields.get("previous")
        if not VERSION.fullmatch(release.version) or not _SHA256.fullmatch(release.sha256):
            raise ValueError
    except (ValueError, KeyError, TypeError, AttributeError):
        return None, None
    return release, previous
