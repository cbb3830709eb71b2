"""Static files of the contest interface, published for one version beside those of other versions."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deployments.beaver_contest.runtime.checkout import FETCHED_BY_TOOLS, GENERATED, task_folders
from operations.aws import refusals_explained

if TYPE_CHECKING:
    from pathlib import Path

    from deployments.beaver_contest.day2.contest import Contest

FOLDER = "contestInterface"
ASSETS = "assets/"
LAST = "common.js"
"""Uploaded last, since it uses all others; a version without it is not published."""

CACHE_CONTROL = "public, max-age=31536000, immutable"
"""A key has its version in it, so its content never changes."""

_TYPES = {
    ".css": "text/css", ".html": "text/html", ".js": "application/javascript", ".json": "application/json",
    ".svg": "image/svg+xml", ".txt": "text/plain", ".woff": "font/woff", ".woff2": "font/woff2",
}  # fmt: skip
"""Types that machines name differently; scripts as the document has them."""

_COMPRESSED = re.compile(r"text/.*|application/(?:javascript|json)|image/svg\+xml")
_NEVER = (".php", ".inc", ".md", ".phar", ".sh", ".sql", ".lock", ".bak")
_LIBRARY = re.compile(rb"bower_components/[\w./@-]+\.\w+")


@dataclass(frozen=True)
class Asset:
    """One file as it is published, compressed where its type gains from that."""

    key: str
    body: bytes
    content_type: str
    source_sha256: str

    def headers(self, access: str) -> dict[str, Any]:
        """Metadata that S3 keeps beside the body; it shows whether an object is this one."""
        acl = {"ACL": "public-read"} if access == "acl" else {}
        encoding = {"ContentEncoding": "gzip"} if _COMPRESSED.fullmatch(self.content_type) else {}
        return {
            "ContentType": self.content_type,
            "CacheControl": CACHE_CONTROL,
            "Metadata": {"source-sha256": self.source_sha256, "access": access},
            **encoding,
            **acl,
        }


def read_assets(root: Path, label: str) -> list[Asset]:
    """The static files of the contest interface in `root`, for the version `label`.

    These are all files that are no code, and the files of libraries that pages, scripts or style sheets name.
    """
    top = root / FOLDER
    spared = [root / name for name in (*task_folders(root), GENERATED)]
    own, named = [], set()
    for path in sorted(top.rglob("*")):
        parts = path.relative_to(top).parts
        hidden = any(part.startswith(".") or part in FETCHED_BY_TOOLS for part in parts)
        if hidden or not path.is_file() or any(path.is_relative_to(each) for each in spared):
            continue
        if path.suffix in (".php", ".js", ".css", ".html"):
            named |= {found.decode() for found in _LIBRARY.findall(path.read_bytes())}
        if path.suffix not in _NEVER and path.name != "bower.json":
            own.append(path)
    own += [path for name in sorted(named) if (path := top / name).is_file() and path.suffix not in _NEVER]
    found = [_asset(path, f"{ASSETS}{label}/{path.relative_to(top).as_posix()}") for path in own]
    return sorted(found, key=lambda asset: asset.key == f"{ASSETS}{label}/{LAST}")


def publish(contest: Contest, assets: Sequence[Asset], *, dry_run: bool, say: Callable[[str], None]) -> list[str]:
    """Upload what differs from what is published, and return those keys.

    Files of other versions stay as they are. Raises OperatorError when AWS refuses; what was uploaded by then stays,
    and another run continues from there.
    """
    s3, bucket, access = contest.client("s3"), contest.outputs.static_bucket, contest.outputs.static_access
    changed = []
    with refusals_explained():
        for asset in assets:
            if _published(s3, bucket, asset, access):
                continue
            changed.append(asset.key)
            if dry_run:
                say(f"{asset.key}: would be uploaded, {len(asset.body)} bytes")
                continue
            s3.put_object(Bucket=bucket, Key=asset.key, Body=asset.body, **asset.headers(access))
            say(f"{asset.key}: uploaded, {len(asset.body)} bytes")
    return changed


def prune(contest: Contest, labels: Sequence[str]) -> int:
    """Delete the assets of versions that Beanstalk keeps no more, `labels` are those it keeps; returns their number."""
    s3, bucket = contest.client("s3"), contest.outputs.static_bucket
    kept = tuple(f"{ASSETS}{label}/" for label in labels)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=ASSETS)
    old = [found["Key"] for page in pages for found in page.get("Contents", []) if not found["Key"].startswith(kept)]
    for start in range(0, len(old), 1000):
        s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in old[start : start + 1000]]})
    return len(old)


def differing(contest: Contest, label: str) -> Iterator[str]:
    """Problems of the assets of the version `label` that is deployed: missing, or published for another access."""
    s3, bucket, access = contest.client("s3"), contest.outputs.static_bucket, contest.outputs.static_access
    key = f"{ASSETS}{label}/{LAST}"
    head = _head(s3, bucket, key)
    if head is None:
        yield f"{key} is not published: quintet beaver publish-assets"
    elif (head.get("ContentEncoding"), head["ContentType"]) != ("gzip", _TYPES[".js"]):
        yield f"{key} has the wrong headers: quintet beaver publish-assets"
    elif head["Metadata"].get("access") != access:
        yield f"{key} was published for another setting of static.access: quintet beaver publish-assets"


def _asset(path: Path, key: str) -> Asset:
    content = path.read_bytes()
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    # without a time, so that the same file is the same object on every machine
    body = gzip.compress(content, compresslevel=9, mtime=0) if _COMPRESSED.fullmatch(kind) else content
    return Asset(key, body, kind, hashlib.sha256(content).hexdigest())


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
