"""The access key decides the account; accounts share one process and S3's names, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Aws = Callable[..., Any]
OTHER = "999999999999"


def test_a_twelve_digit_access_key_is_the_account(aws: Aws, account: str) -> None:
    assert aws("sts").get_caller_identity()["Account"] == account


def test_arns_carry_the_account(aws: Aws, account: str) -> None:
    topic = aws("sns").create_topic(Name="alarms")["TopicArn"]
    assert topic.split(":")[4] == account


def test_accounts_do_not_see_each_other(aws: Aws) -> None:
    aws("dynamodb").create_table(
        TableName="locks",
        KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    assert aws("dynamodb").list_tables()["TableNames"] == ["locks"]
    assert aws("dynamodb", account_id=OTHER).list_tables()["TableNames"] == []


def test_an_assumed_role_acts_in_its_own_account(aws: Aws, emulator: Any) -> None:
    import boto3

    role = aws("sts").assume_role(RoleArn=f"arn:aws:iam::{OTHER}:role/deployer", RoleSessionName="test")
    credentials = role["Credentials"]
    sts = boto3.client(
        "sts",
        endpoint_url=emulator.endpoint,
        region_name="eu-central-1",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )
    assert sts.get_caller_identity()["Account"] == OTHER


def test_managed_policies_exist_in_every_account(aws: Aws) -> None:
    found = aws("iam").get_policy(PolicyArn="arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore")
    assert found["Policy"]["PolicyName"] == "AmazonSSMManagedInstanceCore"


def test_a_strangers_bucket_is_forbidden_and_its_name_taken(aws: Aws, account: str) -> None:
    name = f"state-{account}"
    place = {"LocationConstraint": "eu-central-1"}
    aws("s3").create_bucket(Bucket=name, CreateBucketConfiguration=place)
    stranger = aws("s3", account_id=OTHER)
    with pytest.raises(ClientError, match="403"):
        stranger.head_bucket(Bucket=name)
    with pytest.raises(ClientError, match="AccessDenied"):
        stranger.put_object(Bucket=name, Key="x", Body=b"x")
    with pytest.raises(ClientError, match="BucketAlreadyExists"):
        stranger.create_bucket(Bucket=name, CreateBucketConfiguration=place)
    assert name not in [bucket["Name"] for bucket in stranger.list_buckets()["Buckets"]]


def test_a_bucket_of_an_unexpected_owner_is_refused(aws: Aws, account: str) -> None:
    name = f"owned-{account}"
    s3 = aws("s3")
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.head_bucket(Bucket=name, ExpectedBucketOwner=account)
    with pytest.raises(ClientError, match="403"):
        s3.head_bucket(Bucket=name, ExpectedBucketOwner=OTHER)
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(Bucket=name, Key="x", Body=b"x", ExpectedBucketOwner=OTHER)
