"""Resources that calls name, tags on what they create, and roles that they pass on: each wants its own right."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.server import Emulator
from tests.emulator.test_authorise import REGION, TRUST, Aws, Program, allow, refused

TAGS = [{"Key": "a", "Value": "b"}]


@pytest.fixture
def program(emulator: Emulator, aws: Aws, account: str) -> Program:
    return Program(emulator, aws, account)


def arn(account: str, service: str, end: str) -> str:
    return f"arn:aws:{service}:{REGION}:{account}:{end}"


def test_a_name_in_a_parameter_is_the_resource_of_the_call(program: Program, account: str) -> None:
    program.may(allow("rds:*", arn(account, "rds", "pg:ours-*")))
    rds = program.client("rds")
    rds.create_db_parameter_group(DBParameterGroupName="ours-1", DBParameterGroupFamily="mysql8.4", Description="d")
    with refused("AccessDenied", f"rds:CreateDBParameterGroup on resource: {arn(account, 'rds', 'pg:theirs')}"):
        rds.create_db_parameter_group(DBParameterGroupName="theirs", DBParameterGroupFamily="mysql8.4", Description="d")


def test_an_arn_in_the_place_of_a_name_is_the_resource_itself(program: Program, account: str) -> None:
    program.may(allow("lambda:InvokeFunction", arn(account, "lambda", "function:ours")))
    functions = program.client("lambda")
    for name in ("ours", arn(account, "lambda", "function:ours")):
        with pytest.raises(functions.exceptions.ResourceNotFoundException):  # it may be called, and is not there
            functions.invoke(FunctionName=name)
    with refused("AccessDeniedException", f"InvokeFunction on resource: {arn(account, 'lambda', 'function:theirs')}"):
        functions.invoke(FunctionName=arn(account, "lambda", "function:theirs"))


def test_a_creation_with_tags_wants_the_right_to_tag(program: Program, account: str) -> None:
    topic = arn(account, "sns", "topic")
    program.may(allow("sns:CreateTopic", topic), allow("iam:CreateUser"), allow("ec2:CreateVpc"))
    program.client("sns").create_topic(Name="topic")
    with refused("AuthorizationError|AccessDenied", f"sns:TagResource on resource: {topic}"):
        program.client("sns").create_topic(Name="topic", Tags=TAGS)
    with refused("AccessDenied", "iam:TagUser on resource"):
        program.client("iam").create_user(UserName="u", Tags=TAGS)
    with refused("UnauthorizedOperation", rf"ec2:CreateTags on resource: {arn(account, 'ec2', 'vpc/')}\*"):
        program.client("ec2").create_vpc(
            CidrBlock="10.0.0.0/16", TagSpecifications=[{"ResourceType": "vpc", "Tags": TAGS}]
        )


def test_a_role_that_a_call_passes_on_wants_the_right_to_pass_it(program: Program, aws: Aws, account: str) -> None:
    aws("iam").create_role(RoleName="instances", AssumeRolePolicyDocument=json.dumps(TRUST))
    program.may(allow(["iam:CreateInstanceProfile", "iam:AddRoleToInstanceProfile"]))
    iam = program.client("iam")
    iam.create_instance_profile(InstanceProfileName="p")
    named = f"arn:aws:iam::{account}:role/instances"
    with refused("AccessDenied", f"iam:PassRole on resource: {named}"):
        iam.add_role_to_instance_profile(InstanceProfileName="p", RoleName="instances")
    to_instances = {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}
    program.may(allow("iam:AddRoleToInstanceProfile"), allow("iam:PassRole", named, Condition=to_instances))
    iam.add_role_to_instance_profile(InstanceProfileName="p", RoleName="instances")


def test_a_setting_of_a_bucket_wants_the_action_that_aws_calls_otherwise(program: Program, aws: Aws) -> None:
    aws("s3").create_bucket(Bucket=f"b-{program.account}", CreateBucketConfiguration={"LocationConstraint": REGION})
    cors: Any = {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}
    program.may(allow("s3:PutBucketTagging"))
    with refused("AccessDenied", f"s3:PutBucketCORS on resource: arn:aws:s3:::b-{program.account}"):
        program.client("s3").put_bucket_cors(Bucket=f"b-{program.account}", CORSConfiguration=cors)
    program.may(allow("s3:PutBucketCORS"))
    program.client("s3").put_bucket_cors(Bucket=f"b-{program.account}", CORSConfiguration=cors)


def test_an_alias_wants_a_right_on_itself_and_on_its_key(program: Program, aws: Aws, account: str) -> None:
    key = aws("kms").create_key()["KeyMetadata"]["Arn"]
    program.may(allow("kms:CreateAlias", key))
    with refused("AccessDeniedException", f"kms:CreateAlias on resource: {arn(account, 'kms', 'alias/ours')}"):
        program.client("kms").create_alias(AliasName="alias/ours", TargetKeyId=key)
    program.may(allow("kms:CreateAlias", [key, arn(account, "kms", "alias/ours")]))
    program.client("kms").create_alias(AliasName="alias/ours", TargetKeyId=key)


def test_the_partition_key_of_an_item_is_what_a_condition_asks_about(program: Program, aws: Aws) -> None:
    aws("dynamodb").create_table(
        TableName="locks",
        AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    ours = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": "bucket/dev/*"}}
    program.may(allow("dynamodb:PutItem", Condition=ours))
    program.client("dynamodb").put_item(TableName="locks", Item={"LockID": {"S": "bucket/dev/x"}})
    with refused("AccessDeniedException", "dynamodb:PutItem"):
        program.client("dynamodb").put_item(TableName="locks", Item={"LockID": {"S": "bucket/prod/x"}})


def test_tags_of_networks_and_keys_are_what_conditions_ask_about(program: Program, aws: Aws) -> None:
    ec2, mine = aws("ec2"), [{"ResourceType": "vpc", "Tags": TAGS}]
    tagged = ec2.create_vpc(CidrBlock="10.0.0.0/16", TagSpecifications=mine)["Vpc"]["VpcId"]
    untagged = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    key = aws("kms").create_key(Tags=[{"TagKey": "a", "TagValue": "b"}])["KeyMetadata"]["KeyId"]
    program.may(allow(["ec2:*", "kms:*"], Condition={"StringEqualsIfExists": {"aws:ResourceTag/a": "c"}}))
    with refused("UnauthorizedOperation", "ec2:DeleteVpc"):
        program.client("ec2").delete_vpc(VpcId=tagged)
    program.client("ec2").delete_vpc(VpcId=untagged)
    with refused("AccessDeniedException", "kms:DisableKey"):
        program.client("kms").disable_key(KeyId=key)
    program.may(allow(["ec2:*", "kms:*"], Condition={"StringEqualsIfExists": {"aws:ResourceTag/a": "b"}}))
    program.client("ec2").delete_vpc(VpcId=tagged)
    program.client("kms").disable_key(KeyId=key)


def test_composite_alarms_want_the_right_to_see_every_alarm(program: Program, account: str) -> None:
    program.may(allow("cloudwatch:DescribeAlarms", arn(account, "cloudwatch", "alarm:ours")))
    with refused("AccessDenied", "cloudwatch:DescribeAlarms on resource"):
        program.client("cloudwatch").describe_alarms(AlarmNames=["ours"])
    program.may(allow("cloudwatch:DescribeAlarms"))
    program.client("cloudwatch").describe_alarms(AlarmNames=["ours"])
