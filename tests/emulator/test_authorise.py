"""Roles and users may do on the emulator what their policies allow, and nothing else; accounts may do everything."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError

from emulator.errors import EmulatorError
from emulator.server import Emulator

Aws = Callable[..., Any]
REGION = "eu-central-1"
TRUST = {"Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}}


def allow(action: Any, resource: Any = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def document(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


class Program:
    """A program with keys of a role of its own, which may do what `may` was told."""

    def __init__(self, emulator: Emulator, aws: Aws, account: str, vpc_id: str = "") -> None:
        self._emulator, self._aws, self._vpc_id = emulator, aws, vpc_id
        self.arn = aws("iam").create_role(RoleName="web", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        self.account = account

    def may(self, *statements: Any) -> None:
        self._aws("iam").put_role_policy(RoleName="web", PolicyName="own", PolicyDocument=document(*statements))

    def client(self, service: str) -> Any:
        keys = self._emulator.keys_of(self.arn, region=REGION, vpc_id=self._vpc_id)
        return client(self._emulator, service, keys)


def client(emulator: Emulator, service: str, keys: dict[str, str]) -> Any:
    return boto3.client(
        service,
        endpoint_url=emulator.endpoint,
        region_name=REGION,
        aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=keys["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=keys["AWS_SESSION_TOKEN"],
        config=Config(retries={"total_max_attempts": 1}),
    )


@pytest.fixture
def program(emulator: Emulator, aws: Aws, account: str) -> Program:
    return Program(emulator, aws, account)


def refused(code: str, said: str = "") -> Any:
    return pytest.raises(ClientError, match=rf"\({code}\).*{said}")


def bucket(aws: Aws, account: str, **objects: bytes) -> str:
    name = f"data-{account}"
    aws("s3").create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    for key, body in objects.items():
        aws("s3").put_object(Bucket=name, Key=key, Body=body)
    return name


def test_a_role_may_do_what_a_policy_allows_and_nothing_else(program: Program, aws: Aws) -> None:
    secret = aws("secretsmanager").create_secret(Name="login", SecretString="s")["ARN"]
    program.may(allow("secretsmanager:GetSecretValue", secret))
    assert program.client("secretsmanager").get_secret_value(SecretId="login")["SecretString"] == "s"
    with refused("AccessDeniedException", "PutSecretValue on resource: arn:aws:secretsmanager:.* because no identity-based policy allows the secretsmanager:PutSecretValue action"):  # fmt: skip
        program.client("secretsmanager").put_secret_value(SecretId="login", SecretString="t")
    assert aws("secretsmanager").get_secret_value(SecretId="login")["SecretString"] == "s"


def test_a_message_names_the_session_of_the_role(program: Program) -> None:
    with refused("AccessDenied", f"User: arn:aws:sts::{program.account}:assumed-role/web/program is not authorized"):
        program.client("sns").publish(TopicArn=f"arn:aws:sns:{REGION}:{program.account}:none", Message="m")
    with refused("UnauthorizedOperation", "You are not authorized to perform this operation"):
        program.client("ec2").describe_instances()
    assert program.client("sts").get_caller_identity()["Account"] == program.account


def test_a_user_is_bound_by_its_own_policies_and_those_of_its_groups(
    emulator: Emulator, aws: Aws, account: str
) -> None:
    iam = aws("iam")
    iam.create_user(UserName="app")
    key = iam.create_access_key(UserName="app")["AccessKey"]
    keys = {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"]}
    held = {**keys, "AWS_SESSION_TOKEN": None}
    with refused("AccessDenied"):
        client(emulator, "s3", held).list_buckets()
    iam.create_group(GroupName="readers")
    iam.add_user_to_group(GroupName="readers", UserName="app")
    iam.put_group_policy(GroupName="readers", PolicyName="p", PolicyDocument=document(allow("s3:ListAllMyBuckets")))
    client(emulator, "s3", held).list_buckets()
    temporary = emulator.keys_of(f"arn:aws:iam::{account}:user/app", region=REGION)
    client(emulator, "s3", temporary).list_buckets()
    iam.update_access_key(UserName="app", AccessKeyId=key["AccessKeyId"], Status="Inactive")
    with refused("InvalidClientTokenId"):
        client(emulator, "s3", held).list_buckets()
    iam.delete_access_key(UserName="app", AccessKeyId=key["AccessKeyId"])
    with refused("InvalidClientTokenId"):
        client(emulator, "s3", held).list_buckets()


def test_there_are_no_keys_of_a_role_or_user_that_does_not_exist(emulator: Emulator, account: str) -> None:
    for name in ("role/none", "user/none"):
        with pytest.raises(EmulatorError, match=f"There is no {name} in account {account}"):
            emulator.keys_of(f"arn:aws:iam::{account}:{name}", region=REGION)


def test_a_boundary_limits_a_role(program: Program, aws: Aws) -> None:
    program.may(allow("*"))
    boundary = aws("iam").create_policy(PolicyName="b", PolicyDocument=document(allow("s3:*")))["Policy"]["Arn"]
    aws("iam").put_role_permissions_boundary(RoleName="web", PermissionsBoundary=boundary)
    program.client("s3").list_buckets()
    with refused("AccessDeniedException", "because no permissions boundary allows"):
        program.client("dynamodb").list_tables()


def test_a_bucket_s_policy_denies_and_allows(program: Program, aws: Aws, account: str) -> None:
    name = bucket(aws, account, a=b"1")
    program.may(allow("s3:GetObject", f"arn:aws:s3:::{name}/*"))
    assert program.client("s3").get_object(Bucket=name, Key="a")["Body"].read() == b"1"
    denial = {"Effect": "Deny", "Principal": "*", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{name}/*", "Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}}  # fmt: skip
    grant = {"Effect": "Allow", "Principal": {"AWS": program.arn}, "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{name}/*"}  # fmt: skip
    aws("s3").put_bucket_policy(Bucket=name, Policy=document(denial, grant))
    with refused("AccessDenied", "with an explicit deny in a resource-based policy"):
        program.client("s3").get_object(Bucket=name, Key="a")
    program.client("s3").put_object(Bucket=name, Key="b", Body=b"2")


def test_an_object_that_is_not_there_is_told_only_to_those_who_may_list(
    program: Program, aws: Aws, account: str
) -> None:
    name = bucket(aws, account)
    program.may(allow("s3:GetObject", f"arn:aws:s3:::{name}/*"))
    with refused("AccessDenied", "s3:ListBucket"):
        program.client("s3").get_object(Bucket=name, Key="a")
    program.may(allow("s3:GetObject", f"arn:aws:s3:::{name}/*"), allow("s3:ListBucket", f"arn:aws:s3:::{name}"))
    with refused("NoSuchKey"):
        program.client("s3").get_object(Bucket=name, Key="a")


def test_a_prefix_and_an_acl_can_be_asked_about(program: Program, aws: Aws, account: str) -> None:
    name = bucket(aws, account)
    prefix = {"StringLike": {"s3:prefix": "own/*"}}
    program.may(
        allow("s3:ListBucket", f"arn:aws:s3:::{name}", Condition=prefix),
        allow("s3:PutObject", f"arn:aws:s3:::{name}/*"),
    )
    program.client("s3").list_objects_v2(Bucket=name, Prefix="own/")
    with refused("AccessDenied"):
        program.client("s3").list_objects_v2(Bucket=name)
    program.client("s3").put_object(Bucket=name, Key="a", Body=b"1")
    with refused("AccessDenied", "s3:PutObjectAcl"):
        program.client("s3").put_object(Bucket=name, Key="a", Body=b"1", ACL="public-read")


def test_several_objects_and_copies_need_rights_for_each(program: Program, aws: Aws, account: str) -> None:
    name = bucket(aws, account, a=b"1", b=b"2")
    program.may(allow("s3:DeleteObject", f"arn:aws:s3:::{name}/a"), allow("s3:PutObject", f"arn:aws:s3:::{name}/*"))
    program.client("s3").delete_objects(Bucket=name, Delete={"Objects": [{"Key": "a"}]})
    with refused("AccessDenied", "s3:DeleteObject on resource: .*/b"):
        program.client("s3").delete_objects(Bucket=name, Delete={"Objects": [{"Key": "a"}, {"Key": "b"}]})
    with refused("AccessDenied", "s3:GetObject"):
        program.client("s3").copy_object(Bucket=name, Key="c", CopySource={"Bucket": name, "Key": "b"})


def key(aws: Aws) -> str:
    arn: str = aws("kms").create_key()["KeyMetadata"]["Arn"]
    return arn


def test_what_a_customers_key_encrypts_needs_a_right_on_the_key(program: Program, aws: Aws, account: str) -> None:
    arn = key(aws)
    name = bucket(aws, account)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}}
    aws("s3").put_bucket_encryption(Bucket=name, ServerSideEncryptionConfiguration={"Rules": [rule]})
    aws("ssm").put_parameter(Name="/app/password", Value="p", Type="SecureString", KeyId=arn)
    aws("secretsmanager").create_secret(Name="login", SecretString="s", KmsKeyId=arn)
    topic = aws("sns").create_topic(Name="alarms", Attributes={"KmsMasterKeyId": arn})["TopicArn"]
    own = allow(["s3:PutObject", "ssm:GetParameter*", "secretsmanager:GetSecretValue", "sns:Publish"])

    def calls() -> list[Callable[[], Any]]:
        return [
            lambda: program.client("s3").put_object(Bucket=name, Key="a", Body=b"1"),
            lambda: program.client("ssm").get_parameter(Name="/app/password", WithDecryption=True),
            lambda: program.client("ssm").get_parameters_by_path(Path="/app", WithDecryption=True),
            lambda: program.client("secretsmanager").get_secret_value(SecretId="login"),
            lambda: program.client("sns").publish(TopicArn=topic, Message="m"),
        ]

    program.may(own)
    program.client("ssm").get_parameter(Name="/app/password")
    for call in calls():
        with refused("AccessDenied(Exception)?", f"kms:.* on resource: {arn}"):
            call()
    program.may(own, allow(["kms:Decrypt", "kms:GenerateDataKey"], arn))
    for call in calls():
        call()
    via = {"StringEquals": {"kms:ViaService": f"ssm.{REGION}.amazonaws.com"}}
    program.may(own, allow("kms:Decrypt", arn, Condition=via))
    calls()[1]()
    with refused("AccessDeniedException"):
        calls()[3]()


def test_a_key_s_policy_has_to_let_the_account_decide(program: Program, aws: Aws) -> None:
    arn = key(aws)
    aws("secretsmanager").create_secret(Name="login", SecretString="s", KmsKeyId=arn)
    program.may(allow("*"))
    root = {"AWS": f"arn:aws:iam::{program.account}:root"}
    administered = {**allow("kms:PutKeyPolicy"), "Principal": root}
    aws("kms").put_key_policy(KeyId=arn, PolicyName="default", Policy=document(administered))
    with refused("AccessDeniedException", "because no resource-based policy allows the kms:Decrypt action"):
        program.client("secretsmanager").get_secret_value(SecretId="login")


def test_secrets_of_rds_are_known_by_their_tags(program: Program, aws: Aws) -> None:
    made = [
        aws("rds").create_db_instance(DBInstanceIdentifier=name, Engine="postgres", DBInstanceClass="db.t4g.micro", AllocatedStorage=20, MasterUsername="u", ManageMasterUserPassword=True)["DBInstance"]
        for name in ("mine", "other")
    ]  # fmt: skip
    tag = {"StringEquals": {"aws:ResourceTag/aws:rds:primaryDBInstanceArn": made[0]["DBInstanceArn"]}}
    program.may(allow("secretsmanager:GetSecretValue", Condition=tag))
    mine, other = (each["MasterUserSecret"]["SecretArn"] for each in made)
    program.client("secretsmanager").get_secret_value(SecretId=mine)
    with refused("AccessDeniedException"):
        program.client("secretsmanager").get_secret_value(SecretId=other)
    with refused("AccessDeniedException"):
        program.client("secretsmanager").batch_get_secret_value(SecretIdList=[mine])
    program.may(allow("secretsmanager:GetSecretValue", Condition=tag), allow("secretsmanager:BatchGetSecretValue"))
    program.client("secretsmanager").batch_get_secret_value(SecretIdList=[mine])
    with refused("AccessDeniedException"):
        program.client("secretsmanager").batch_get_secret_value(SecretIdList=[mine, other])


def test_urls_that_a_program_signed_are_told_from_its_calls_and_by_their_age(
    program: Program, aws: Aws, account: str
) -> None:
    name = bucket(aws, account, a=b"1")
    by_url = {"StringEquals": {"s3:authType": "REST-QUERY-STRING"}}
    age = {"NumericLessThanEquals": {"s3:signatureAge": "600000"}}
    program.may(allow("s3:GetObject", Condition={**by_url, **age}))
    with refused("AccessDenied"):
        program.client("s3").get_object(Bucket=name, Key="a")
    url = program.client("s3").generate_presigned_url("get_object", Params={"Bucket": name, "Key": "a"})
    assert requests.get(url, timeout=60).content == b"1"
    program.may(allow("s3:GetObject", Condition={**by_url, "NumericGreaterThan": {"s3:signatureAge": "600000"}}))
    assert requests.get(url, timeout=60).status_code == HTTPStatus.FORBIDDEN


def test_tables_indexes_logs_and_metrics_are_told_apart(program: Program, aws: Aws, account: str) -> None:
    aws("dynamodb").create_table(
        TableName="t", KeySchema=[{"AttributeName": "k", "KeyType": "HASH"}], BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "k", "AttributeType": "S"}],
    )  # fmt: skip
    aws("logs").create_log_group(logGroupName="g")
    ours = f"{REGION}:{account}"
    program.may(
        allow("dynamodb:GetItem", f"arn:aws:dynamodb:{ours}:table/t"),
        allow(["logs:CreateLogStream", "logs:PutLogEvents"], f"arn:aws:logs:{ours}:log-group:g:*"),
        allow("cloudwatch:PutMetricData", Condition={"StringEquals": {"cloudwatch:namespace": "Own"}}),
    )
    program.client("dynamodb").get_item(TableName="t", Key={"k": {"S": "a"}})
    with refused("AccessDeniedException", "table/t/index/idx"):
        program.client("dynamodb").query(TableName="t", IndexName="idx", KeyConditionExpression="k=:k", ExpressionAttributeValues={":k": {"S": "a"}})  # fmt: skip
    with refused("AccessDeniedException", "dynamodb:BatchGetItem"):
        program.client("dynamodb").batch_get_item(RequestItems={"t": {"Keys": [{"k": {"S": "a"}}]}})
    program.client("logs").create_log_stream(logGroupName="g", logStreamName="s")
    with refused("AccessDeniedException"):
        program.client("logs").create_log_stream(logGroupName="other", logStreamName="s")
    program.client("cloudwatch").put_metric_data(Namespace="Own", MetricData=[{"MetricName": "m", "Value": 1}])
    with refused("AccessDenied"):
        program.client("cloudwatch").put_metric_data(Namespace="Other", MetricData=[{"MetricName": "m", "Value": 1}])


def test_starting_a_task_needs_the_right_to_pass_its_roles(program: Program, aws: Aws) -> None:
    aws("ecs").create_cluster(clusterName="c")
    definition = aws("ecs").register_task_definition(
        family="f", taskRoleArn=program.arn, requiresCompatibilities=["FARGATE"], networkMode="awsvpc", cpu="256", memory="512",
        containerDefinitions=[{"name": "n", "image": "i", "memory": 512}],
    )["taskDefinition"]["taskDefinitionArn"]  # fmt: skip
    program.may(allow("ecs:RunTask", definition))
    with refused("AccessDeniedException", "iam:PassRole on resource: .*role/web"):
        program.client("ecs").run_task(cluster="c", taskDefinition="f")
    other = {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    program.may(allow("ecs:RunTask", definition), allow("iam:PassRole", program.arn, Condition=other))
    with refused("AccessDeniedException", "iam:PassRole"):
        program.client("ecs").run_task(cluster="c", taskDefinition="f")


def test_a_call_from_a_network_goes_through_its_endpoint_and_the_endpoint_s_policy(
    emulator: Emulator, aws: Aws, account: str
) -> None:
    name = bucket(aws, account, a=b"1")
    vpc = aws("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    program = Program(emulator, aws, account, vpc)
    program.may(allow("s3:GetObject", Condition={"StringEquals": {"aws:SourceVpc": vpc}}))
    with refused("AccessDenied"):
        program.client("s3").get_object(Bucket=name, Key="a")
    endpoint = aws("ec2").create_vpc_endpoint(VpcId=vpc, ServiceName=f"com.amazonaws.{REGION}.s3")["VpcEndpoint"]
    program.client("s3").get_object(Bucket=name, Key="a")
    ours = {"StringEquals": {"aws:ResourceAccount": account}}
    own = document({**allow("s3:*", Condition=ours), "Principal": "*"})
    aws("ec2").modify_vpc_endpoint(VpcEndpointId=endpoint["VpcEndpointId"], PolicyDocument=own)
    program.client("s3").get_object(Bucket=name, Key="a")
    narrow = document({**allow("s3:*", "arn:aws:s3:::elsewhere/*"), "Principal": "*"})
    aws("ec2").modify_vpc_endpoint(VpcEndpointId=endpoint["VpcEndpointId"], PolicyDocument=narrow)
    with refused("AccessDenied", "because no VPC endpoint policy allows the s3:GetObject action"):
        program.client("s3").get_object(Bucket=name, Key="a")


def test_an_action_or_condition_that_is_not_known_is_refused_and_never_allowed(
    program: Program, aws: Aws, account: str
) -> None:
    program.may(allow("*"))
    with refused("NotImplemented", "no resource of ec2:RunInstances in this call"):
        program.client("ec2").run_instances(MinCount=1, MaxCount=1)
    program.may(allow("s3:*", Condition={"Null": {"aws:MultiFactorAuthAge": "true"}}))
    with refused("NotImplemented", "does not decide the condition key aws:multifactorauthage"):
        program.client("s3").list_buckets()


def test_decisions_are_reported_and_forgotten_with_everything_else(tmp_path: Any) -> None:
    with Emulator.start(log=tmp_path / "log") as emulator:
        iam = client(
            emulator,
            "iam",
            {"AWS_ACCESS_KEY_ID": "111122223333", "AWS_SECRET_ACCESS_KEY": "x", "AWS_SESSION_TOKEN": ""},
        )
        role = iam.create_role(RoleName="web", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
        iam.put_role_policy(
            RoleName="web", PolicyName="own", PolicyDocument=document(allow("s3:ListAllMyBuckets", Sid="Look"))
        )
        keys = emulator.keys_of(role, region=REGION)
        client(emulator, "s3", keys).list_buckets()
        with refused("AccessDeniedException"):
            client(emulator, "dynamodb", keys).list_tables()
        assert emulator.status()["decisions"] == {
            "allowed": [{"caller": "role/web", "action": "s3:ListAllMyBuckets", "resource": "*", "statement": "own/Look", "times": 1}],
            "denied": [{"caller": "role/web", "action": "dynamodb:ListTables", "resource": "*", "reason": "no statement allows it (identity-based policy)", "times": 1}],
        }  # fmt: skip
        emulator.reset()
        assert emulator.status()["decisions"] == {"allowed": [], "denied": []}
