from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from config.environment import Environment, StateSettings
from operations.aws import Aws
from operations.errors import OperatorError
from operations.state.bootstrap import bootstrap

ACCOUNT = "123456789012"
OTHER_ACCOUNT = "222222222222"
REGION = "eu-central-1"
BUCKET = "quintet-test-terraform-state"
TABLE = "quintet-test-terraform-locks"
STATE = StateSettings(bucket=BUCKET, region=REGION, lock_table=TABLE)
ENVIRONMENT = Environment(name="test", account_id=ACCOUNT, state=STATE, tags={"CostCentre": "42"})


def _record(model: Any, **_: object) -> None:
    CALLS.append(model.name)


class RecordingAws(Aws):
    """Remembers which operations were called."""

    def client(self, service: str, *, region: str) -> Any:
        client = super().client(service, region=region)
        client.meta.events.register("before-call.*.*", _record, unique_id="record")
        return client


CALLS: list[str] = []
READING = ("Get", "Head", "Describe", "List")


@pytest.fixture(autouse=True)
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MOTO_S3_ALLOW_CROSSACCOUNT_ACCESS", "false")
    CALLS.clear()
    with mock_aws():
        yield RecordingAws()


def s3(region: str = REGION) -> Any:
    return boto3.client("s3", region_name=region)


def dynamodb() -> Any:
    return boto3.client("dynamodb", region_name=REGION)


def done(lines: list[Any]) -> list[str]:
    return [line.name for line in lines if line.done]


def writes() -> list[str]:
    return [name for name in CALLS if not name.startswith(READING)]


def create_bucket(region: str = REGION) -> None:
    s3(region).create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": region})


def as_other_account() -> dict[str, str]:
    sts = boto3.client("sts", region_name=REGION)
    role = f"arn:aws:iam::{OTHER_ACCOUNT}:role/somebody"
    credentials = sts.assume_role(RoleArn=role, RoleSessionName="test")["Credentials"]
    return {
        "aws_access_key_id": credentials["AccessKeyId"],
        "aws_secret_access_key": credentials["SecretAccessKey"],
        "aws_session_token": credentials["SessionToken"],
    }


def test_bucket_and_table_are_made_as_wanted(aws: Aws) -> None:
    bootstrap(aws, ENVIRONMENT)
    assert s3().get_bucket_location(Bucket=BUCKET)["LocationConstraint"] == REGION
    assert s3().get_bucket_versioning(Bucket=BUCKET)["Status"] == "Enabled"
    rules = s3().get_bucket_encryption(Bucket=BUCKET)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    assert set(s3().get_public_access_block(Bucket=BUCKET)["PublicAccessBlockConfiguration"].values()) == {True}
    rule = s3().get_bucket_lifecycle_configuration(Bucket=BUCKET)["Rules"][0]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 180}
    assert "Expiration" not in rule
    table = dynamodb().describe_table(TableName=TABLE)["Table"]
    assert table["KeySchema"] == [{"AttributeName": "LockID", "KeyType": "HASH"}]
    assert table["AttributeDefinitions"] == [{"AttributeName": "LockID", "AttributeType": "S"}]
    assert table["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert table["DeletionProtectionEnabled"] is True
    backups = dynamodb().describe_continuous_backups(TableName=TABLE)["ContinuousBackupsDescription"]
    assert backups["PointInTimeRecoveryDescription"]["PointInTimeRecoveryStatus"] == "ENABLED"
    wanted = {"Project": "quintet", "Purpose": "terraform-state", "Environment": "test", "CostCentre": "42"}
    tags = dynamodb().list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == wanted
    tags = s3().get_bucket_tagging(Bucket=BUCKET)["TagSet"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == wanted


def test_the_bucket_refuses_plain_http_and_its_own_deletion(aws: Aws) -> None:
    bootstrap(aws, ENVIRONMENT)
    statements = json.loads(s3().get_bucket_policy(Bucket=BUCKET)["Policy"])["Statement"]
    denied = {statement["Action"]: statement for statement in statements if statement["Effect"] == "Deny"}
    assert denied["s3:*"]["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
    assert denied["s3:*"]["Resource"] == [f"arn:aws:s3:::{BUCKET}", f"arn:aws:s3:::{BUCKET}/*"]
    assert denied["s3:DeleteBucket"]["Principal"] == "*"


def test_us_east_1_is_created_without_a_location(aws: Aws) -> None:
    state = STATE.model_copy(update={"region": "us-east-1"})
    bootstrap(aws, ENVIRONMENT.model_copy(update={"state": state}))
    assert s3("us-east-1").get_bucket_location(Bucket=BUCKET)["LocationConstraint"] is None


def test_the_second_run_writes_nothing(aws: Aws) -> None:
    bootstrap(aws, ENVIRONMENT)
    CALLS.clear()
    assert done(bootstrap(aws, ENVIRONMENT)) == []
    assert writes() == []


def test_a_dry_run_writes_nothing_and_says_what_would_be_done(aws: Aws) -> None:
    would = done(bootstrap(aws, ENVIRONMENT, dry_run=True))
    assert writes() == []
    assert len(would) == 13
    assert would[0] == f"bucket {BUCKET}"
    create_bucket()
    assert f"bucket {BUCKET}" not in done(bootstrap(aws, ENVIRONMENT, dry_run=True))


def disable_versioning() -> None:
    s3().put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Suspended"})


def remove_policy() -> None:
    s3().delete_bucket_policy(Bucket=BUCKET)


def remove_encryption() -> None:
    s3().delete_bucket_encryption(Bucket=BUCKET)


def open_to_the_public() -> None:
    s3().delete_public_access_block(Bucket=BUCKET)


def allow_access_control_lists() -> None:
    s3().delete_bucket_ownership_controls(Bucket=BUCKET)


def shorten_lifecycle() -> None:
    rule = {"ID": "replaced-states", "Status": "Enabled", "Filter": {"Prefix": ""}}
    rule["NoncurrentVersionExpiration"] = {"NoncurrentDays": 1}
    s3().put_bucket_lifecycle_configuration(Bucket=BUCKET, LifecycleConfiguration={"Rules": [rule]})


def remove_bucket_tags() -> None:
    s3().delete_bucket_tagging(Bucket=BUCKET)


def pay_for_capacity() -> None:
    throughput = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 1}
    dynamodb().update_table(TableName=TABLE, BillingMode="PROVISIONED", ProvisionedThroughput=throughput)


def stop_recovery() -> None:
    off = {"PointInTimeRecoveryEnabled": False}
    dynamodb().update_continuous_backups(TableName=TABLE, PointInTimeRecoverySpecification=off)


def stop_protection() -> None:
    dynamodb().update_table(TableName=TABLE, DeletionProtectionEnabled=False)


def remove_table_tag() -> None:
    arn = dynamodb().describe_table(TableName=TABLE)["Table"]["TableArn"]
    dynamodb().untag_resource(ResourceArn=arn, TagKeys=["Project"])


@pytest.mark.parametrize(
    ("drift", "item"),
    [
        (disable_versioning, "versioning"),
        (remove_policy, "policy"),
        (remove_encryption, "encryption"),
        (open_to_the_public, "public access"),
        (allow_access_control_lists, "ownership"),
        (shorten_lifecycle, "lifecycle"),
        (remove_bucket_tags, "bucket tags"),
        (pay_for_capacity, "billing"),
        (stop_recovery, "point-in-time recovery"),
        (stop_protection, "deletion protection"),
        (remove_table_tag, "table tags"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_drift_is_reported_and_mended_alone(aws: Aws, drift: Any, item: str) -> None:
    bootstrap(aws, ENVIRONMENT)
    drift()
    assert done(bootstrap(aws, ENVIRONMENT)) == [item]
    assert done(bootstrap(aws, ENVIRONMENT)) == []


def test_what_others_added_is_kept(aws: Aws) -> None:
    bootstrap(aws, ENVIRONMENT)
    theirs = {"Sid": "Auditors", "Effect": "Allow", "Principal": {"AWS": ACCOUNT}, "Action": "s3:GetObject"}
    theirs["Resource"] = f"arn:aws:s3:::{BUCKET}/*"
    s3().put_bucket_policy(Bucket=BUCKET, Policy=json.dumps({"Version": "2012-10-17", "Statement": [theirs]}))
    s3().put_bucket_tagging(Bucket=BUCKET, Tagging={"TagSet": [{"Key": "Owner", "Value": "ann"}]})
    assert done(bootstrap(aws, ENVIRONMENT)) == ["policy", "bucket tags"]
    policy = json.loads(s3().get_bucket_policy(Bucket=BUCKET)["Policy"])
    assert policy["Statement"][0] == theirs
    assert len(policy["Statement"]) == 3
    assert {"Key": "Owner", "Value": "ann"} in s3().get_bucket_tagging(Bucket=BUCKET)["TagSet"]


def test_a_tag_that_others_gave_the_table_is_no_drift(aws: Aws) -> None:
    bootstrap(aws, ENVIRONMENT)
    arn = dynamodb().describe_table(TableName=TABLE)["Table"]["TableArn"]
    dynamodb().tag_resource(ResourceArn=arn, Tags=[{"Key": "Owner", "Value": "ann"}])
    assert done(bootstrap(aws, ENVIRONMENT)) == []


def test_a_key_of_the_operators_choosing_is_kept(aws: Aws) -> None:
    bootstrap(aws, ENVIRONMENT)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    s3().put_bucket_encryption(Bucket=BUCKET, ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert done(bootstrap(aws, ENVIRONMENT)) == []


def test_credentials_of_another_account_are_refused_before_anything_is_written(aws: Aws) -> None:
    with pytest.raises(OperatorError, match=f"for account {ACCOUNT}, not for {OTHER_ACCOUNT}"):
        bootstrap(aws, ENVIRONMENT.model_copy(update={"account_id": OTHER_ACCOUNT}))
    assert writes() == []


def test_a_bucket_of_another_account_is_refused(aws: Aws) -> None:
    configuration = {"LocationConstraint": REGION}
    theirs = boto3.client("s3", region_name=REGION, **as_other_account())  # type: ignore[call-overload]
    theirs.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=configuration)
    with pytest.raises(OperatorError, match=f"{BUCKET} belongs to another account than {ACCOUNT}"):
        bootstrap(aws, ENVIRONMENT)
    assert writes() == []


def test_a_bucket_in_another_region_is_refused(aws: Aws) -> None:
    create_bucket("eu-west-1")
    with pytest.raises(OperatorError, match="is in eu-west-1, not in eu-central-1"):
        bootstrap(aws, ENVIRONMENT)
    assert writes() == []


@pytest.mark.parametrize(
    ("name", "kind", "found"), [("id", "S", r"id \(S, HASH\)"), ("LockID", "N", r"LockID \(N, HASH\)")]
)
def test_a_table_with_another_key_is_refused(aws: Aws, name: str, kind: str, found: str) -> None:
    dynamodb().create_table(
        TableName=TABLE,
        KeySchema=[{"AttributeName": name, "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": kind}],
        BillingMode="PAY_PER_REQUEST",
    )
    with pytest.raises(OperatorError, match=found):
        bootstrap(aws, ENVIRONMENT)
    assert writes() == []


def test_with_locking_by_lock_file_no_table_is_made(aws: Aws) -> None:
    state = STATE.model_copy(update={"locking": "lockfile"})
    lines = bootstrap(aws, ENVIRONMENT.model_copy(update={"state": state}))
    assert lines[-1].wanted == 'none, as locking = "lockfile"'
    assert dynamodb().list_tables()["TableNames"] == []


def test_missing_credentials_are_explained(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    import botocore.exceptions

    def no_client(*_: object, **__: object) -> Any:
        raise botocore.exceptions.NoCredentialsError

    monkeypatch.setattr(RecordingAws, "client", no_client)
    with pytest.raises(OperatorError, match="There are no AWS credentials"):
        bootstrap(aws, ENVIRONMENT)
