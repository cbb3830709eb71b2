"""AWS's models of its services are asked before moto is: one case for each kind of constraint and each protocol."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import botocore
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from emulator.server import Emulator

POLICY = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
    '"Principal":{"Service":"ec2.amazonaws.com"}}]}'
)

Send = Callable[..., str]


def client(emulator: Emulator, account: str, service: str) -> Any:
    """A client that leaves every check to AWS."""
    return boto3.client(
        service,
        endpoint_url=emulator.endpoint,
        region_name="eu-central-1",
        aws_access_key_id=account,
        aws_secret_access_key="emulator",
        config=Config(retries={"total_max_attempts": 1}, parameter_validation=False),
    )


@pytest.fixture
def refused(emulator: Emulator, account: str) -> Send:
    """`refused("iam", "create_role", …)` is the error as `Code: message`."""

    def send(service: str, action: str, **arguments: Any) -> str:
        with pytest.raises(ClientError) as error:
            getattr(client(emulator, account, service), action)(**arguments)
        answer = error.value.response
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
        return f"{answer['Error']['Code']}: {answer['Error']['Message']}"

    return send


@pytest.mark.parametrize(
    ("service", "action", "arguments", "code", "constraint"),
    [
        ("iam", "create_role", {"AssumeRolePolicyDocument": POLICY}, "ValidationError", "'RoleName' .* must not be null"),
        ("iam", "create_role", {"RoleName": "x" * 65, "AssumeRolePolicyDocument": POLICY}, "ValidationError", "length less than or equal to 64"),
        ("iam", "create_role", {"RoleName": "a b", "AssumeRolePolicyDocument": POLICY}, "ValidationError", "regular expression pattern"),
        ("iam", "create_role", {"RoleName": "", "AssumeRolePolicyDocument": POLICY}, "ValidationError", "length greater than or equal to 1"),
        ("lambda", "update_function_configuration", {"FunctionName": "f", "MemorySize": 50}, "ValidationException", "value greater than or equal to 128"),
        ("lambda", "update_function_configuration", {"FunctionName": "f", "MemorySize": 99999}, "ValidationException", "value less than or equal to"),
        ("dynamodb", "create_table", {"TableName": "t" * 3, "KeySchema": [], "AttributeDefinitions": []}, "ValidationException", "'KeySchema' .* length greater than or equal to 1"),
        ("cloudwatch", "put_metric_alarm", {"AlarmName": "a", "EvaluationPeriods": 1, "ComparisonOperator": "Bigger"}, "ValidationError", "enum value set"),
        ("secretsmanager", "create_secret", {"Name": "s" * 513, "SecretString": "x"}, "ValidationException", "length less than or equal to 512"),
        ("kms", "create_alias", {"AliasName": "a", "TargetKeyId": "k" * 3000}, "ValidationException", "2048"),
        ("ec2", "create_subnet", {"CidrBlock": "10.0.0.0/24"}, "MissingParameter", "VpcId"),
        ("rds", "create_db_instance", {"Engine": "mysql", "DBInstanceClass": "db.t3.micro"}, "MissingParameter", "DBInstanceIdentifier"),
        ("logs", "put_retention_policy", {"logGroupName": "a", "retentionInDays": "soon"}, "InvalidParameterException", "cannot be read"),
        ("cloudfront", "create_function", {"Name": "f", "FunctionConfig": {"Comment": "", "Runtime": "perl"}, "FunctionCode": b"x"}, "InvalidArgument", "enum value set"),
        ("cloudwatch", "put_metric_data", {"Namespace": "n", "MetricData": [{"MetricName": "m", "Value": 1.0, "Dimensions": [{"Name": str(i), "Value": "v"} for i in range(31)]}]}, "ValidationError", "31 elements"),
    ],
)  # fmt: skip
def test_a_value_outside_the_model_is_refused_with_the_code_of_the_service(
    refused: Send, service: str, action: str, arguments: dict[str, Any], code: str, constraint: str
) -> None:
    import re

    said = refused(service, action, **arguments)
    assert said.startswith(f"{code}: "), said
    assert re.search(constraint, said), said
    assert f"botocore {botocore.__version__}" in said


def post(emulator: Emulator, account: str, service: str, body: bytes, **headers: str) -> str:
    """The error body of a request that no SDK would send."""
    signed = f"AWS4-HMAC-SHA256 Credential={account}/20261129/eu-central-1/{service}/aws4_request, Signature=0"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(emulator.endpoint + "/", body, {"Authorization": signed, **named})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 400
    return str(refused.value.read().decode())


def test_a_member_the_model_does_not_have_is_refused_in_a_form_and_in_json(emulator: Emulator, account: str) -> None:
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    said = post(
        emulator, account, "ec2", b"Action=CreateVpc&Version=2016-11-15&CidrBlock=10.0.0.0/16&Colour=red", **form
    )
    assert "<Code>UnknownParameter</Code>" in said
    assert "Colour" in said
    json = {"Content_Type": "application/x-amz-json-1.1", "X_Amz_Target": "secretsmanager.GetSecretValue"}
    assert "Colour" in post(emulator, account, "secretsmanager", b'{"SecretId": "s", "Colour": "red"}', **json)
    assert "cannot be read" in post(emulator, account, "secretsmanager", b'["SecretId"]', **json)


def test_an_element_the_model_does_not_have_is_refused_in_xml(
    aws: Callable[..., Any], emulator: Emulator, account: str
) -> None:
    aws("s3").create_bucket(Bucket=f"b{account}", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    signed = f"AWS4-HMAC-SHA256 Credential={account}/20261129/eu-central-1/s3/aws4_request, Signature=0"
    body = b"<VersioningConfiguration><Status>Enabled</Status><Colour>red</Colour></VersioningConfiguration>"
    place = f"{emulator.endpoint}/b{account}?versioning"
    request = urllib.request.Request(place, body, {"Authorization": signed}, method="PUT")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert "Unknown parameter 'Colour' at 'VersioningConfiguration'" in refused.value.read().decode()


def test_a_refused_secret_is_not_repeated(refused: Send) -> None:
    said = refused("secretsmanager", "create_secret", Name="s", SecretString="hunter2" * 10_000)
    assert "length less than or equal to 65536" in said
    assert "hunter2" not in said


def test_the_models_can_be_left_out(tmp_path: Path, account: str) -> None:
    with Emulator.start(log=tmp_path / "log", request_models=False) as emulator:
        role = client(emulator, account, "iam").create_role(RoleName="a b", AssumeRolePolicyDocument=POLICY)
        assert role["Role"]["RoleName"] == "a b"
        emulator.turn_on()
        with pytest.raises(ClientError, match="c d"):
            client(emulator, account, "iam").create_role(RoleName="c d", AssumeRolePolicyDocument=POLICY)
