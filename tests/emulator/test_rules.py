"""Rules that AWS documents and no model holds: a call against each, and the nearest call that AWS takes."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.server import Emulator

Aws = Callable[..., Any]

TRUSTED_BY_LAMBDA = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
TRUSTED_BY_EC2 = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
DATABASE = {
    "DBInstanceIdentifier": "d", "DBInstanceClass": "db.t3.micro", "Engine": "mysql", "AllocatedStorage": 20,
    "MasterUsername": "root", "MasterUserPassword": "long-enough",
}  # fmt: skip
GROUP = {
    "ReplicationGroupId": "g", "ReplicationGroupDescription": "d", "Engine": "redis", "CacheNodeType": "cache.t3.micro",
    "NumCacheClusters": 1,
}  # fmt: skip


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def code_of(call: Callable[..., Any], **arguments: Any) -> str:
    """The error code of a call, or `taken`."""
    try:
        call(**arguments)
    except ClientError as error:
        return str(error.response["Error"]["Code"])
    return "taken"


@pytest.fixture
def vpc(aws: Aws) -> str:
    return str(aws("ec2").create_vpc(CidrBlock="10.7.0.0/16")["Vpc"]["VpcId"])


@pytest.fixture
def subnets(aws: Aws, vpc: str) -> list[str]:
    """Two in the first zone, one in the second."""
    made = [
        aws("ec2").create_subnet(VpcId=vpc, CidrBlock=f"10.7.{number}.0/24", AvailabilityZone=f"eu-central-1{zone}")
        for number, zone in enumerate("aab")
    ]
    return [answer["Subnet"]["SubnetId"] for answer in made]


@pytest.mark.parametrize(
    ("description", "answer"),
    [
        ("Redis: web (6379)", "taken"),
        ("the teams' cache", "InvalidParameterValue"),
        ("Schlüssel", "InvalidParameterValue"),
    ],
)
def test_security_groups_and_rules_have_plain_descriptions(aws: Aws, vpc: str, description: str, answer: str) -> None:
    ec2 = aws("ec2")
    assert code_of(ec2.create_security_group, GroupName="a", Description=description, VpcId=vpc) == answer
    group = ec2.create_security_group(GroupName="b", Description="plain", VpcId=vpc)["GroupId"]
    ranges = [{"CidrIp": "10.0.0.0/8", "Description": description}]
    permission = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "IpRanges": ranges}
    assert code_of(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=[permission]) == answer


def test_a_route_leads_to_what_exists(aws: Aws, vpc: str) -> None:
    ec2 = aws("ec2")
    route = {
        "RouteTableId": ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"],
        "DestinationCidrBlock": "0.0.0.0/0",
    }
    assert code_of(ec2.create_route, **route, NatGatewayId="nat-0123456789abcdef0") == "InvalidNatGatewayID.NotFound"
    assert (
        code_of(ec2.create_route, **route, NetworkInterfaceId="eni-0123456789abcdef0")
        == "InvalidNetworkInterfaceID.NotFound"
    )


def test_an_instance_boots_from_an_image_that_exists(aws: Aws, subnets: list[str]) -> None:
    ec2 = aws("ec2")
    asked = {"MinCount": 1, "MaxCount": 1, "SubnetId": subnets[0]}
    assert code_of(ec2.run_instances, **asked, ImageId="ami-0123456789abcdef0") == "InvalidAMIID.NotFound"
    known = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    assert code_of(ec2.run_instances, **asked, ImageId=known) == "taken"


@pytest.mark.parametrize(
    ("statement", "answer"),
    [
        (TRUSTED_BY_EC2, "taken"),
        ({**TRUSTED_BY_EC2, "Resource": "*"}, "MalformedPolicyDocument"),
        ({**TRUSTED_BY_EC2, "Action": "s3:GetObject"}, "MalformedPolicyDocument"),
        ({"Effect": "Allow", "Action": "sts:AssumeRole"}, "MalformedPolicyDocument"),
        ({**TRUSTED_BY_EC2, "Effect": "allow"}, "MalformedPolicyDocument"),
    ],
)
def test_a_trust_policy_names_principals_and_no_resource(aws: Aws, statement: dict[str, Any], answer: str) -> None:
    assert code_of(aws("iam").create_role, RoleName="r", AssumeRolePolicyDocument=policy(statement)) == answer


def test_inline_policies_of_a_role_and_of_a_user_have_a_size_together(aws: Aws) -> None:
    iam = aws("iam")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=policy(TRUSTED_BY_EC2))
    iam.create_user(UserName="u")

    def of(characters: int) -> str:
        return policy(
            {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/" + "x" * (characters - 110)}
        )

    assert code_of(iam.put_role_policy, RoleName="r", PolicyName="a", PolicyDocument=of(6000)) == "taken"
    assert code_of(iam.put_role_policy, RoleName="r", PolicyName="b", PolicyDocument=of(6000)) == "LimitExceeded"
    assert code_of(iam.put_role_policy, RoleName="r", PolicyName="a", PolicyDocument=of(9000)) == "taken"
    assert code_of(iam.put_user_policy, UserName="u", PolicyName="a", PolicyDocument=of(3000)) == "LimitExceeded"
    assert code_of(iam.create_policy, PolicyName="p", PolicyDocument=of(7000)) == "LimitExceeded"
    named = policy({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", "Principal": "*"})
    assert code_of(iam.put_role_policy, RoleName="r", PolicyName="c", PolicyDocument=named) == "MalformedPolicyDocument"


def test_a_role_takes_ten_managed_policies(aws: Aws) -> None:
    iam = aws("iam")
    iam.create_role(RoleName="r", AssumeRolePolicyDocument=policy(TRUSTED_BY_EC2))
    document = policy({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"})
    arns = [iam.create_policy(PolicyName=f"p{n}", PolicyDocument=document)["Policy"]["Arn"] for n in range(11)]
    answers = [code_of(iam.attach_role_policy, RoleName="r", PolicyArn=arn) for arn in arns]
    assert answers == ["taken"] * 10 + ["LimitExceeded"]


@pytest.mark.parametrize("name", ["UPPER", "a_b", "a..b", "192.168.5.4", "xn--bucket", "bucket-s3alias", "-bucket"])
def test_a_bucket_has_a_name_that_dns_takes(emulator: Emulator, account: str, name: str) -> None:
    from tests.emulator.test_request_models import client

    place = {"LocationConstraint": "eu-central-1"}
    s3 = client(emulator, account, "s3")
    assert code_of(s3.create_bucket, Bucket=name, CreateBucketConfiguration=place) == "InvalidBucketName"


def test_a_bucket_policy_is_about_its_bucket(aws: Aws, account: str) -> None:
    s3, name = aws("s3"), f"rules-{account}"
    s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    own = {
        "Effect": "Allow",
        "Principal": {"AWS": account},
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{name}/*",
    }
    foreign = [
        "{", policy({**own, "Resource": "arn:aws:s3:::other/*"}), policy({**own, "Action": "sqs:SendMessage"}),
        policy({key: own[key] for key in own if key != "Principal"}),
        policy({**own, "Condition": {"StringEqual": {"aws:SourceVpc": "v"}}}),
    ]  # fmt: skip
    assert [code_of(s3.put_bucket_policy, Bucket=name, Policy=each) for each in foreign] == ["MalformedPolicy"] * 5
    assert code_of(s3.put_bucket_policy, Bucket=name, Policy=policy(own)) == "taken"


def test_nobody_locks_himself_out_of_a_key(aws: Aws, account: str) -> None:
    whole = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": "kms:*",
        "Resource": "*",
    }
    kms = aws("kms")
    assert code_of(kms.create_key, Policy=policy(whole)) == "taken"
    assert (
        code_of(kms.create_key, Policy=policy({**whole, "Action": "kms:Decrypt"})) == "MalformedPolicyDocumentException"
    )
    assert code_of(kms.create_key, Policy="{") == "MalformedPolicyDocumentException"


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({}, "taken"),
        ({"EngineVersion": "8.4"}, "taken"),
        ({"EngineVersion": "99.9"}, "InvalidParameterCombination"),
        ({"Engine": "postgres", "EngineVersion": "16.6"}, "InvalidParameterCombination"),
        ({"DBInstanceClass": "db.nope"}, "InvalidParameterCombination"),
        ({"MasterUserPassword": "short"}, "InvalidParameterValue"),
        ({"MasterUserPassword": "with@sign-in-it"}, "InvalidParameterValue"),
        ({"MasterUserPassword": "x" * 42}, "InvalidParameterValue"),
        ({"MasterUsername": "rdsadmin"}, "InvalidParameterValue"),
        ({"MonitoringInterval": 7}, "InvalidParameterValue"),
        ({"BackupRetentionPeriod": 36}, "InvalidParameterValue"),
        ({"AllocatedStorage": 5}, "InvalidParameterValue"),
    ],
)
def test_a_database_is_made_of_what_rds_offers(aws: Aws, change: dict[str, Any], answer: str) -> None:
    assert code_of(aws("rds").create_db_instance, **{**DATABASE, **change}) == answer


def test_a_database_goes_back_to_no_older_version(aws: Aws) -> None:
    rds = aws("rds")
    rds.create_db_instance(**DATABASE, EngineVersion="8.4.9")
    changed = {"DBInstanceIdentifier": "d", "ApplyImmediately": True}
    assert code_of(rds.modify_db_instance, **changed, EngineVersion="8.4.8") == "InvalidParameterCombination"
    assert code_of(rds.modify_db_instance, **changed, EngineVersion="8.4") == "taken"
    assert code_of(rds.modify_db_instance, **changed, EngineVersion="8.4.99") == "InvalidParameterCombination"
    assert code_of(rds.modify_db_instance, **changed, EngineVersion="8.4.10") == "taken"


@pytest.mark.parametrize("family", ["mysql8.0", "mysql8.4"])
def test_parameters_that_rds_fixes_or_has_no_more_cannot_be_set(aws: Aws, family: str) -> None:
    rds = aws("rds")
    rds.create_db_parameter_group(DBParameterGroupName="g", DBParameterGroupFamily=family, Description="d")

    def set_parameter(name: str) -> str:
        parameter = {"ParameterName": name, "ParameterValue": "x", "ApplyMethod": "pending-reboot"}
        return code_of(rds.modify_db_parameter_group, DBParameterGroupName="g", Parameters=[parameter])

    assert set_parameter("default_authentication_plugin") == "InvalidParameterValue"
    assert set_parameter("character_set_server") == "taken"
    group = {"DBClusterParameterGroupName": "c"}
    rds.create_db_cluster_parameter_group(**group, DBParameterGroupFamily=family, Description="d")
    parameter = {"ParameterName": "default_authentication_plugin", "ParameterValue": "x", "ApplyMethod": "immediate"}
    assert code_of(rds.modify_db_cluster_parameter_group, **group, Parameters=[parameter]) == "InvalidParameterValue"
    free = {**parameter, "ParameterName": "character_set_server"}
    assert code_of(rds.modify_db_cluster_parameter_group, **group, Parameters=[free]) == "taken"


def test_a_subnet_group_covers_two_zones(aws: Aws, subnets: list[str]) -> None:
    make, named = aws("rds").create_db_subnet_group, {"DBSubnetGroupName": "s", "DBSubnetGroupDescription": "d"}
    assert code_of(make, **named, SubnetIds=subnets[:2]) == "DBSubnetGroupDoesNotCoverEnoughAZs"
    assert code_of(make, **named, SubnetIds=subnets) == "taken"


@pytest.mark.parametrize(
    ("change", "answer"),
    [
        ({}, "taken"),
        ({"EngineVersion": "7.1"}, "taken"),
        ({"EngineVersion": "9.9"}, "InvalidParameterCombination"),
        ({"CacheNodeType": "cache.nope"}, "InvalidParameterValue"),
        ({"ReplicationGroupId": "g" * 41}, "InvalidParameterValue"),
        ({"ReplicationGroupId": "g--h"}, "InvalidParameterValue"),
        ({"AuthToken": "x" * 20}, "InvalidParameterCombination"),
        ({"AuthToken": "short", "TransitEncryptionEnabled": True}, "InvalidParameterValue"),
        ({"AutomaticFailoverEnabled": True}, "InvalidParameterValue"),
        (
            {"EngineVersion": "6.2", "TransitEncryptionEnabled": True, "TransitEncryptionMode": "required"},
            "InvalidParameterCombination",
        ),
        ({"EngineVersion": "6.2", "TransitEncryptionEnabled": True}, "taken"),
        ({"EngineVersion": "7.1", "TransitEncryptionEnabled": True, "TransitEncryptionMode": "required"}, "taken"),
    ],
)
def test_a_cache_is_made_of_what_elasticache_offers(aws: Aws, change: dict[str, Any], answer: str) -> None:
    assert code_of(aws("elasticache").create_replication_group, **{**GROUP, **change}) == answer


@pytest.mark.parametrize(
    ("name", "value", "answer"),
    [
        ("VisibilityTimeout", "50000", "InvalidAttributeValue"),
        ("DelaySeconds", "901", "InvalidAttributeValue"),
        ("MessageRetentionPeriod", "soon", "InvalidAttributeValue"),
        ("VisibilityTimeout", "43200", "taken"),
    ],
)
def test_attributes_of_queues_have_ranges(aws: Aws, name: str, value: str, answer: str) -> None:
    assert code_of(aws("sqs").create_queue, QueueName="q", Attributes={name: value}) == answer


def archive() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr("m.py", "def h(event, context): return 1")
    return packed.getvalue()


@pytest.fixture
def create_function(aws: Aws, account: str) -> Callable[..., str]:
    """`create_function([statements of the role], …)`; the role is trusted by Lambda unless `trust` says otherwise."""

    def create(*statements: dict[str, Any], trust: dict[str, Any] = TRUSTED_BY_LAMBDA, **more: Any) -> str:
        iam = aws("iam")
        iam.create_role(RoleName="f", AssumeRolePolicyDocument=policy(trust))
        if statements:
            iam.put_role_policy(RoleName="f", PolicyName="p", PolicyDocument=policy(*statements))
        asked = {"FunctionName": "f", "Runtime": "python3.13", "Handler": "m.h", "Code": {"ZipFile": archive()}}
        return code_of(aws("lambda").create_function, **{**asked, "Role": f"arn:aws:iam::{account}:role/f", **more})

    return create


INTERFACES = {
    "Effect": "Allow",
    "Action": [
        "ec2:DescribeNetworkInterfaces", "ec2:DeleteNetworkInterface", "ec2:AssignPrivateIpAddresses",
        "ec2:UnassignPrivateIpAddresses",
    ],
    "Resource": "*",
}  # fmt: skip
JOINING = {
    "Effect": "Allow",
    "Action": "ec2:CreateNetworkInterface",
    "Resource": [f"arn:aws:ec2:eu-central-1:*:{kind}/*" for kind in ("network-interface", "security-group", "subnet")],
}
NOT_FROM_THE_CODE = {
    **INTERFACES,
    "Effect": "Deny",
    "Condition": {"ArnEquals": {"lambda:SourceFunctionArn": "arn:aws:lambda:eu-central-1:*:function:f"}},
}


def test_a_functions_role_is_one_that_lambda_may_assume(create_function: Callable[..., str]) -> None:
    assert create_function(trust=TRUSTED_BY_EC2) == "InvalidParameterValueException"


@pytest.mark.parametrize(
    ("statements", "answer"),
    [
        ([JOINING, INTERFACES, NOT_FROM_THE_CODE], "taken"),
        ([INTERFACES], "InvalidParameterValueException"),
        ([JOINING, {**INTERFACES, "Resource": JOINING["Resource"]}], "InvalidParameterValueException"),
    ],
    ids=["unspecific", "may not join", "own interfaces only"],
)
def test_a_function_in_a_vpc_may_delete_interfaces_without_naming_one(
    aws: Aws,
    vpc: str,
    subnets: list[str],
    create_function: Callable[..., str],
    statements: list[dict[str, Any]],
    answer: str,
) -> None:
    group = aws("ec2").create_security_group(GroupName="g", Description="d", VpcId=vpc)["GroupId"]
    place = {"SubnetIds": subnets[1:], "SecurityGroupIds": [group]}
    assert create_function(*statements, VpcConfig=place) == answer


@pytest.mark.parametrize(
    ("more", "answer"),
    [
        ({"Environment": {"Variables": {"NAME": "v"}}}, "taken"),
        ({"Environment": {"Variables": {"AWS_REGION": "eu-central-1"}}}, "InvalidParameterValueException"),
        ({"Environment": {"Variables": {"NAME": "v" * 4096}}}, "InvalidParameterValueException"),
        ({"Runtime": "python3.6"}, "InvalidParameterValueException"),
    ],
)
def test_a_function_has_variables_and_a_runtime_that_lambda_takes(
    create_function: Callable[..., str], more: dict[str, Any], answer: str
) -> None:
    assert create_function(**more) == answer


@pytest.mark.parametrize(
    ("states", "answer"),
    [
        ({"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Succeed"}}, "taken"),
        ({"A": {"Type": "Pass", "Next": "Z"}}, "InvalidDefinition"),
        ({"A": {"Type": "Pass"}}, "InvalidDefinition"),
        ({"A": {"Type": "Pass", "End": True}, "B": {"Type": "Succeed"}}, "InvalidDefinition"),
        ({"B": {"Type": "Succeed"}}, "InvalidDefinition"),
        ({"A": {"Type": "Choice", "Choices": [{"Variable": "$.a", "IsNull": True, "Next": "Z"}], "Default": "B"}, "B": {"Type": "Fail"}}, "InvalidDefinition"),
        ({"A": {"Type": "Map", "End": True, "ItemProcessor": {"StartAt": "M", "States": {"M": {"Type": "Pass", "Next": "Z"}}}}}, "InvalidDefinition"),
    ],
)  # fmt: skip
def test_a_state_machine_leads_to_an_end(aws: Aws, account: str, states: dict[str, Any], answer: str) -> None:
    trust = {**TRUSTED_BY_EC2, "Principal": {"Service": "states.amazonaws.com"}}
    role = aws("iam").create_role(RoleName="m", AssumeRolePolicyDocument=policy(trust))["Role"]["Arn"]
    definition = json.dumps({"StartAt": "A", "States": states})
    assert code_of(aws("stepfunctions").create_state_machine, name="m", roleArn=role, definition=definition) == answer


def test_retention_and_periods_are_those_that_can_be_chosen(aws: Aws) -> None:
    aws("logs").create_log_group(logGroupName="g")
    retain = aws("logs").put_retention_policy
    assert code_of(retain, logGroupName="g", retentionInDays=8) == "InvalidParameterException"
    assert code_of(retain, logGroupName="g", retentionInDays=7) == "taken"
    alarm = {
        "AlarmName": "a",
        "MetricName": "m",
        "Namespace": "n",
        "Statistic": "Sum",
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    put = aws("cloudwatch").put_metric_alarm
    assert code_of(put, **alarm, Period=45, EvaluationPeriods=1) == "ValidationError"
    assert code_of(put, **alarm, Period=60, EvaluationPeriods=2000) == "ValidationError"
    assert code_of(put, **alarm, Period=60, EvaluationPeriods=5) == "taken"


def test_a_load_balancer_is_in_two_zones_and_has_a_short_name(aws: Aws, subnets: list[str]) -> None:
    make = aws("elbv2").create_load_balancer
    assert code_of(make, Name="b", Subnets=subnets[:1]) == "ValidationError"
    assert code_of(make, Name="b", Subnets=subnets[:2]) == "InvalidConfigurationRequest"
    assert code_of(make, Name="internal-b", Subnets=subnets[1:]) == "ValidationError"
    balancer = make(Name="b", Subnets=subnets[1:])["LoadBalancers"][0]["LoadBalancerArn"]
    listener = {"LoadBalancerArn": balancer, "Port": 443, "Protocol": "HTTPS"}
    action = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    assert code_of(aws("elbv2").create_listener, **listener, DefaultActions=[action]) == "ValidationError"


@pytest.mark.parametrize(
    ("stack", "answer"),
    [
        ("64bit Amazon Linux 2023 v4.13.7 running PHP 8.4", "taken"),
        ("64bit Amazon Linux 2023 v4.7.0 running PHP 8.4", "InvalidParameterValue"),
        ("64bit Amazon Linux 2023 v4.7.0 running PHP 8.1", "InvalidParameterValue"),
        ("64bit Amazon Linux 2023 v4.13.7 running PHP 9.9", "InvalidParameterValue"),
    ],
)
def test_an_environment_begins_on_a_platform_that_is_offered(aws: Aws, stack: str, answer: str) -> None:
    beanstalk = aws("elasticbeanstalk")
    beanstalk.create_application(ApplicationName="app")
    asked = {"ApplicationName": "app", "EnvironmentName": "environment", "SolutionStackName": stack}
    assert code_of(beanstalk.create_environment, **asked) == answer


def test_rules_can_be_left_out_and_those_about_time_need_facts(tmp_path: Path) -> None:
    from tests.emulator.test_request_models import client

    for number, (options, expected) in enumerate(
        [({"rules": False}, ["taken", "taken"]), ({}, ["InvalidParameterValue", "taken"])]
    ):
        with Emulator.start(log=tmp_path / "log", **options) as emulator:
            rds = client(emulator, f"11112222333{number}", "rds")
            old = {**DATABASE, "Engine": "postgres", "EngineVersion": "16.6"}
            short = {**DATABASE, "DBInstanceIdentifier": "e", "MasterUserPassword": "short"}
            assert [code_of(rds.create_db_instance, **short), code_of(rds.create_db_instance, **old)] == expected
