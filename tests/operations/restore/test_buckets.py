"""Objects become what they were at a moment, and what they are now stays."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import patch

import boto3
import pytest
from moto import mock_aws

from operations.errors import OperatorError
from operations.restore import buckets
from operations.restore.buckets import ObjectChange, bring_back, changes_since

BUCKET = "what-was"
CLOCK = "moto.s3.models.utcnow"
START = datetime(2026, 11, 1, 12, tzinfo=UTC)


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", "eu-central-1", aws_access_key_id="x", aws_secret_access_key="x")
        client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        client.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        yield client


def at(hour: int) -> datetime:
    return START + timedelta(hours=hour)


def put(s3: Any, hour: int, key: str, content: str) -> str:
    with patch(CLOCK, lambda: at(hour).replace(tzinfo=None)):
        version: str = s3.put_object(Bucket=BUCKET, Key=key, Body=content)["VersionId"]
        return version


def delete(s3: Any, hour: int, key: str) -> None:
    with patch(CLOCK, lambda: at(hour).replace(tzinfo=None)):
        s3.delete_object(Bucket=BUCKET, Key=key)


def contents(s3: Any) -> dict[str, str]:
    listed = s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
    return {e["Key"]: s3.get_object(Bucket=BUCKET, Key=e["Key"])["Body"].read().decode() for e in listed}


def test_objects_come_back_go_and_stay_as_they_were(s3: Any) -> None:
    put(s3, 0, "a/changed", "one")
    put(s3, 0, "a/deleted", "there")
    put(s3, 0, "a/same", "same")
    put(s3, 0, "b/changed", "one")
    put(s3, 0, "a/gone-before", "x")
    delete(s3, 1, "a/gone-before")
    before = contents(s3)
    put(s3, 3, "a/changed", "two")
    delete(s3, 3, "a/deleted")
    put(s3, 3, "a/new", "new")
    put(s3, 3, "a/gone-before", "again")
    put(s3, 3, "b/changed", "two")
    after = contents(s3)

    changes = list(changes_since(s3, BUCKET, "a/", at(2)))
    assert [(change.key, change.action) for change in changes] == [
        ("a/changed", "copy"),
        ("a/deleted", "undelete"),
        ("a/gone-before", "delete"),
        ("a/new", "delete"),
    ]
    bring_back(s3, BUCKET, changes)
    assert contents(s3) == {**before, "b/changed": "two"}
    assert list(changes_since(s3, BUCKET, "a/", at(2))) == []
    kept = {e["VersionId"] for e in s3.list_object_versions(Bucket=BUCKET, Prefix="a/changed")["Versions"]}
    assert len(kept) == 3
    assert after["a/changed"] == "two"


@pytest.mark.parametrize("done", [0, 1, 2])
def test_a_restore_that_was_cut_off_is_resumed(s3: Any, done: int) -> None:
    for key in ("a", "b", "c"):
        put(s3, 0, key, "one")
        put(s3, 3, key, "two")
    changes = list(changes_since(s3, BUCKET, "", at(1)))
    bring_back(s3, BUCKET, changes[:done])
    left = list(changes_since(s3, BUCKET, "", at(1)))
    assert [change.key for change in left] == ["a", "b", "c"][done:]
    bring_back(s3, BUCKET, left)
    assert contents(s3) == {"a": "one", "b": "one", "c": "one"}


def test_of_several_versions_the_one_of_the_moment_comes_back(s3: Any) -> None:
    versions = [put(s3, hour, "a", str(hour)) for hour in range(5)]
    assert list(changes_since(s3, BUCKET, "", at(2))) == [ObjectChange("a", "copy", versions[2], 1)]
    assert list(changes_since(s3, BUCKET, "", START - timedelta(hours=1))) == [ObjectChange("a", "delete")]
    assert list(changes_since(s3, BUCKET, "", at(9))) == []


def test_a_deleted_object_comes_back_as_it_was_and_no_version_goes(s3: Any) -> None:
    first = put(s3, 0, "a", "one")
    delete(s3, 2, "a")
    delete(s3, 3, "a")
    put(s3, 0, "b", "one")
    put(s3, 2, "b", "two")
    delete(s3, 3, "b")
    before = {entry["VersionId"] for entry in s3.list_object_versions(Bucket=BUCKET)["Versions"]}
    changes = list(changes_since(s3, BUCKET, "", at(1)))
    assert [(change.key, change.action, len(change.markers)) for change in changes] == [
        ("a", "undelete", 2),
        ("b", "copy", 0),
    ]
    bring_back(s3, BUCKET, changes)
    assert contents(s3) == {"a": "one", "b": "one"}
    assert s3.head_object(Bucket=BUCKET, Key="a")["VersionId"] == first
    assert before < {entry["VersionId"] for entry in s3.list_object_versions(Bucket=BUCKET)["Versions"]}


def test_an_object_keeps_its_metadata_tags_and_whether_all_may_read_it(
    s3: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"ContentType": "text/css", "CacheControl": "max-age=1", "Metadata": {"m": "1"}, "Tagging": "t=1&u=a%20b"}
    for key in ("small", "large"):
        with patch(CLOCK, lambda: at(0).replace(tzinfo=None)):
            s3.put_object(Bucket=BUCKET, Key=key, Body="a" * 100, ACL="public-read", **given)
        put(s3, 3, key, "b")
    small, large = reversed(list(changes_since(s3, BUCKET, "", at(1))))
    bring_back(s3, BUCKET, [small])
    monkeypatch.setattr(buckets, "LARGEST_COPY", 99)  # as an object of more than 5 GB
    bring_back(s3, BUCKET, [large])
    for key in ("small", "large"):
        head = s3.head_object(Bucket=BUCKET, Key=key)
        assert (head["ContentType"], head["CacheControl"], head["Metadata"]) == ("text/css", "max-age=1", {"m": "1"})
        tags = s3.get_object_tagging(Bucket=BUCKET, Key=key)["TagSet"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == {"t": "1", "u": "a b"}
        grants = s3.get_object_acl(Bucket=BUCKET, Key=key)["Grants"]
        assert "http://acs.amazonaws.com/groups/global/AllUsers" in [g["Grantee"].get("URI") for g in grants]


def test_a_bucket_without_acls_is_asked_for_none(s3: Any) -> None:
    s3.put_bucket_ownership_controls(
        Bucket=BUCKET, OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    )
    s3.put_public_access_block(Bucket=BUCKET, PublicAccessBlockConfiguration={"BlockPublicAcls": False})
    put(s3, 0, "a", "one")
    put(s3, 3, "a", "two")

    class WithoutAcls:
        def __getattr__(self, name: str) -> Any:
            assert name != "get_object_acl"
            return getattr(s3, name)

    bring_back(WithoutAcls(), BUCKET, list(changes_since(s3, BUCKET, "", at(1))))  # type: ignore[arg-type]
    assert contents(s3) == {"a": "one"}


def test_a_bucket_without_versions_is_refused(s3: Any) -> None:
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})
    with pytest.raises(OperatorError, match="keeps no versions"):
        list(changes_since(s3, BUCKET, "", at(1)))
