"""S3: what a bucket was given comes back, and its policy means what it says."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from botocore.exceptions import ClientError

from emulator.server import Emulator

Aws = Callable[..., Any]


@pytest.fixture
def s3(aws: Aws) -> Any:
    return aws("s3")


@pytest.fixture
def bucket(s3: Any, account: str) -> str:
    name = f"bucket-{account}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    return name


def _policy(s3: Any, bucket: str, **statement: Any) -> None:
    everything = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    policy = {"Version": "2012-10-17", "Statement": [{"Resource": everything, **statement}]}
    s3.put_bucket_policy(Bucket=bucket, Policy=json.dumps(policy))


def test_versions_and_delete_markers_can_be_deleted_together(s3: Any, bucket: str) -> None:
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    s3.put_object(Bucket=bucket, Key="x", Body=b"1")
    s3.delete_object(Bucket=bucket, Key="x")
    listed = s3.list_object_versions(Bucket=bucket)
    versions = [
        {"Key": version["Key"], "VersionId": version["VersionId"]}
        for version in listed["Versions"] + listed["DeleteMarkers"]
    ]
    s3.delete_objects(Bucket=bucket, Delete={"Objects": versions})
    s3.delete_bucket(Bucket=bucket)


def test_a_tls_only_policy_lets_the_owner_in(s3: Any, bucket: str) -> None:
    insecure = {"Bool": {"aws:SecureTransport": "false"}}
    _policy(s3, bucket, Effect="Deny", Principal="*", Action="s3:*", Condition=insecure)
    s3.put_object(Bucket=bucket, Key="x", Body=b"1")
    assert s3.get_object(Bucket=bucket, Key="x")["Body"].read() == b"1"


def test_a_statement_that_denies_everybody_denies(s3: Any, bucket: str) -> None:
    _policy(s3, bucket, Effect="Deny", Principal="*", Action="s3:PutObject")
    with pytest.raises(ClientError, match="403"):
        s3.put_object(Bucket=bucket, Key="x", Body=b"1")


def _read(emulator: Emulator, bucket: str, key: str) -> int:
    """The status with which a stranger's request for an object is answered."""
    return requests.get(f"{emulator.endpoint}/{bucket}/{key}", timeout=60).status_code


def test_an_unsigned_reader_gets_what_policy_or_acl_opens_and_nothing_that_the_policy_denies(
    s3: Any, bucket: str, emulator: Emulator
) -> None:
    for key, acl in (("private", "private"), ("public", "public-read"), ("public_sols", "public-read")):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x", ACL=acl)
    assert _read(emulator, bucket, "private") == 403
    assert _read(emulator, bucket, "public_sols") == 200
    others = {"StringNotEquals": {"aws:PrincipalAccount": "111122223333"}}
    hidden = f"arn:aws:s3:::{bucket}/*_sols"
    _policy(s3, bucket, Effect="Deny", Principal="*", Action="s3:GetObject", Resource=hidden, Condition=others)
    assert _read(emulator, bucket, "public") == 200
    assert _read(emulator, bucket, "public_sols") == 403
    _policy(s3, bucket, Effect="Allow", Principal="*", Action="s3:GetObject")
    assert _read(emulator, bucket, "private") == 200


def test_an_unsigned_reader_is_refused_where_the_public_access_block_ignores_acls_and_restricts_policies(
    s3: Any, bucket: str, emulator: Emulator
) -> None:
    s3.put_object(Bucket=bucket, Key="x", Body=b"x", ACL="public-read")
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"IgnorePublicAcls": True})
    assert _read(emulator, bucket, "x") == 403
    _policy(s3, bucket, Effect="Allow", Principal="*", Action="s3:GetObject")
    assert _read(emulator, bucket, "x") == 200
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    s3.put_object_acl(Bucket=bucket, Key="x", ACL="private")
    assert _read(emulator, bucket, "x") == 403
    signed = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "x"})
    assert requests.get(signed, timeout=60).status_code == 200


def test_a_bucket_with_dots_is_found_before_the_hosts_name(s3: Any, emulator: Emulator, account: str) -> None:
    name = f"static.{account}.example.org"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_object(Bucket=name, Key="a/b c", Body=b"x", ACL="public-read")
    host = f"{name}.localhost:{emulator.endpoint.rpartition(':')[2]}"
    answer = requests.get(f"{emulator.endpoint}/a/b%20c", headers={"Host": host}, timeout=60)
    assert (answer.status_code, answer.content) == (200, b"x")
    signed = s3.generate_presigned_url("get_object", Params={"Bucket": name, "Key": "a/b c"})
    answer = requests.get(signed.replace(f"/{name}", "", 1), headers={"Host": host}, timeout=60)
    assert answer.content == b"x"


def test_the_logging_service_is_let_in_by_any_policy_that_does(s3: Any, bucket: str) -> None:
    logging = {"LoggingEnabled": {"TargetBucket": bucket, "TargetPrefix": "s3/"}}
    with pytest.raises(ClientError, match="InvalidTargetBucketForLogging"):
        s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus=logging)
    service = {"Service": "logging.s3.amazonaws.com"}
    _policy(s3, bucket, Effect="Allow", Principal=service, Action=["s3:PutObject"])
    s3.put_bucket_logging(Bucket=bucket, BucketLoggingStatus=logging)
    assert s3.get_bucket_logging(Bucket=bucket)["LoggingEnabled"]["TargetBucket"] == bucket


def test_request_payment_is_kept(s3: Any, bucket: str) -> None:
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "BucketOwner"
    s3.put_bucket_request_payment(Bucket=bucket, RequestPaymentConfiguration={"Payer": "Requester"})
    assert s3.get_bucket_request_payment(Bucket=bucket)["Payer"] == "Requester"


def test_intelligent_tiering_is_kept_listed_and_deleted(s3: Any, bucket: str) -> None:
    tiering = {"Id": "all", "Status": "Enabled", "Tierings": [{"Days": 125, "AccessTier": "ARCHIVE_ACCESS"}]}
    s3.put_bucket_intelligent_tiering_configuration(Bucket=bucket, Id="all", IntelligentTieringConfiguration=tiering)
    read = s3.get_bucket_intelligent_tiering_configuration(Bucket=bucket, Id="all")
    assert read["IntelligentTieringConfiguration"] == tiering
    listed = s3.list_bucket_intelligent_tiering_configurations(Bucket=bucket)
    assert listed["IntelligentTieringConfigurationList"] == [tiering]
    s3.delete_bucket_intelligent_tiering_configuration(Bucket=bucket, Id="all")
    with pytest.raises(ClientError, match="NoSuchConfiguration"):
        s3.get_bucket_intelligent_tiering_configuration(Bucket=bucket, Id="all")


def test_eventbridge_notifications_are_kept(s3: Any, bucket: str) -> None:
    s3.put_bucket_notification_configuration(Bucket=bucket, NotificationConfiguration={"EventBridgeConfiguration": {}})
    assert s3.get_bucket_notification_configuration(Bucket=bucket)["EventBridgeConfiguration"] == {}


def test_a_bucket_that_does_not_exist_has_no_documents(s3: Any) -> None:
    with pytest.raises(ClientError, match="NoSuchBucket"):
        s3.get_bucket_request_payment(Bucket="no-such-bucket-anywhere")


def test_an_object_that_is_replaced_is_read_as_it_was_or_as_it_is(s3: Any, bucket: str) -> None:
    bodies = {letter * 3000 for letter in (b"a", b"b")}
    s3.put_object(Bucket=bucket, Key="x", Body=b"a" * 3000)

    def replace_and_read(body: bytes) -> bytes:
        s3.put_object(Bucket=bucket, Key="x", Body=body)
        read: bytes = s3.get_object(Bucket=bucket, Key="x")["Body"].read()
        return read

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(replace_and_read, [*bodies] * 60)) <= bodies
