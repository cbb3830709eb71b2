"""The five scripts that pages fetch from the static host, compressed once and for all."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.aws import refusals_explained
from operations.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from deployments.beaver_contest.day2.contest import Contest

FOLDER = "contestInterface"
NAMES = (
    "jquery-combined.min.js",
    "jquery.xdomainrequest.min.js",
    "integrationAPI/task-proxy.js",
    "integrationAPI/task-123.js",
    "common.js",
)
"""In the order of upload: `common.js` uses all others, so a page never meets a new one among old ones."""

CONTENT_TYPE = "application/javascript"
CACHE_CONTROL = "public, max-age=86400"


@dataclass(frozen=True)
class Asset:
    """One script, compressed, and where it goes."""

    key: str
    body: bytes
    source_sha256: str

    def headers(self, access: str) -> dict[str, Any]:
        """What S3 keeps beside the body; it shows whether what is there is this."""
        acl = {"ACL": "public-read"} if access == "acl" else {}
        return {
            "ContentType": CONTENT_TYPE,
            "ContentEncoding": "gzip",
            "CacheControl": CACHE_CONTROL,
            "Metadata": {"source-sha256": self.source_sha256, "access": access},
            **acl,
        }


def read_assets(source: Path) -> list[Asset]:
    """All five from the checkout `source`. Raises OperatorError naming every one that is missing."""
    missing = [f"{FOLDER}/{name}" for name in NAMES if not (source / FOLDER / name).is_file()]
    if missing:
        raise OperatorError(
            f"{source} lacks {', '.join(missing)}; nothing was published.",
            hint="Give a checkout of the contest whose scripts are built.",
        )
    return [_asset(source / FOLDER / name, f"assets/{name}") for name in NAMES]


def publish(contest: Contest, assets: Sequence[Asset], *, dry_run: bool, say: Callable[[str], None]) -> list[str]:
    """Upload what differs from what is published, and return those keys; CloudFront forgets its copies of them.

    Raises OperatorError when AWS refuses; what was uploaded by then stays, and another run goes on from there.
    """
    s3, bucket, access = contest.client("s3"), contest.outputs.static_bucket, contest.outputs.static_access
    changed = []
    with refusals_explained():
        for asset in assets:
            if _published(s3, bucket, asset, access):
                say(f"{asset.key}: as published")
                continue
            changed.append(asset.key)
            if dry_run:
                say(f"{asset.key}: would be uploaded, {len(asset.body)} bytes")
                continue
            s3.put_object(Bucket=bucket, Key=asset.key, Body=asset.body, **asset.headers(access))
            say(f"{asset.key}: uploaded, {len(asset.body)} bytes")
        distribution_id = contest.outputs.distribution_id
        if changed and distribution_id and not dry_run:
            _invalidate(contest.client("cloudfront"), distribution_id, [a for a in assets if a.key in changed])
            say("CloudFront forgets its copies within minutes")
    return changed


def differing(contest: Contest) -> Iterator[str]:
    """What is wrong with the published assets, whatever their content: missing, or with other headers."""
    s3, bucket, access = contest.client("s3"), contest.outputs.static_bucket, contest.outputs.static_access
    for name in NAMES:
        head = _head(s3, bucket, f"assets/{name}")
        if head is None:
            yield f"assets/{name} is not published"
        elif (head.get("ContentEncoding"), head["ContentType"]) != ("gzip", CONTENT_TYPE):
            yield f"assets/{name} has the wrong headers"
        elif head["Metadata"].get("access") != access:
            yield f"assets/{name} was published for another setting of static.access"


def _asset(path: Path, key: str) -> Asset:
    content = path.read_bytes()
    # without a time, so that the same script is the same object whoever compresses it
    return Asset(key, gzip.compress(content, compresslevel=9, mtime=0), hashlib.sha256(content).hexdigest())


def _published(s3: Any, bucket: str, asset: Asset, access: str) -> bool:
    head = _head(s3, bucket, asset.key)
    wanted = {key: value for key, value in asset.headers(access).items() if key != "ACL"}
    return head is not None and {key: head.get(key) for key in wanted} == wanted


def _head(s3: Any, bucket: str, key: str) -> dict[str, Any] | None:
    from botocore.exceptions import ClientError

    try:
        head: dict[str, Any] = s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("404", "NoSuchKey", "NotFound"):
            return None
        raise
    return head


def _invalidate(cloudfront: Any, distribution_id: str, changed: Sequence[Asset]) -> None:
    content = "".join(f"{asset.key}{asset.source_sha256}" for asset in changed)
    cloudfront.create_invalidation(
        DistributionId=distribution_id,
        InvalidationBatch={
            "Paths": {"Quantity": len(changed), "Items": [f"/{asset.key}" for asset in changed]},
            "CallerReference": hashlib.sha256(content.encode()).hexdigest(),
        },
    )
