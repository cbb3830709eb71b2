"""Literal values of the committed stacks keep to the schemas of CloudFormation's types that cfn-lint brings.

Only rules about values: enum, pattern, lengths and bounds. Whether properties fit together is not CloudFormation's to
say about Terraform. References are left out: what they become is not known.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from config.settings import ROOT

SCHEMAS = next((ROOT / ".venv-cfnlint").glob("lib/python*/site-packages/cfnlint/data/schemas"), None)
STACKS = sorted((ROOT / "generated" / "stacks").glob("*/cdk.tf.json"))
TYPES = {
    "aws_autoscaling_group": "AWS::AutoScaling::AutoScalingGroup",
    "aws_backup_vault": "AWS::Backup::BackupVault",
    "aws_cloudwatch_log_group": "AWS::Logs::LogGroup",
    "aws_cloudwatch_metric_alarm": "AWS::CloudWatch::Alarm",
    "aws_db_instance": "AWS::RDS::DBInstance",
    "aws_db_parameter_group": "AWS::RDS::DBParameterGroup",
    "aws_db_subnet_group": "AWS::RDS::DBSubnetGroup",
    "aws_dynamodb_table": "AWS::DynamoDB::Table",
    "aws_ecr_repository": "AWS::ECR::Repository",
    "aws_ecs_cluster": "AWS::ECS::Cluster",
    "aws_eip": "AWS::EC2::EIP",
    "aws_elastic_beanstalk_application": "AWS::ElasticBeanstalk::Application",
    "aws_elastic_beanstalk_environment": "AWS::ElasticBeanstalk::Environment",
    "aws_elasticache_cluster": "AWS::ElastiCache::CacheCluster",
    "aws_elasticache_replication_group": "AWS::ElastiCache::ReplicationGroup",
    "aws_iam_role": "AWS::IAM::Role",
    "aws_iam_user": "AWS::IAM::User",
    "aws_kms_alias": "AWS::KMS::Alias",
    "aws_kms_key": "AWS::KMS::Key",
    "aws_lambda_function": "AWS::Lambda::Function",
    "aws_lb": "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "aws_lb_listener": "AWS::ElasticLoadBalancingV2::Listener",
    "aws_lb_target_group": "AWS::ElasticLoadBalancingV2::TargetGroup",
    "aws_rds_cluster": "AWS::RDS::DBCluster",
    "aws_route53_record": "AWS::Route53::RecordSet",
    "aws_s3_bucket": "AWS::S3::Bucket",
    "aws_scheduler_schedule": "AWS::Scheduler::Schedule",
    "aws_secretsmanager_secret": "AWS::SecretsManager::Secret",
    "aws_security_group": "AWS::EC2::SecurityGroup",
    "aws_sfn_state_machine": "AWS::StepFunctions::StateMachine",
    "aws_sns_topic": "AWS::SNS::Topic",
    "aws_ssm_document": "AWS::SSM::Document",
    "aws_ssm_parameter": "AWS::SSM::Parameter",
    "aws_subnet": "AWS::EC2::Subnet",
    "aws_vpc": "AWS::EC2::VPC",
    "aws_vpc_endpoint": "AWS::EC2::VPCEndpoint",
}
OTHERWISE_NAMED = {
    ("aws_db_instance", "identifier"): "DBInstanceIdentifier",
    ("aws_db_instance", "instance_class"): "DBInstanceClass",
    ("aws_db_parameter_group", "name"): "DBParameterGroupName",
    ("aws_dynamodb_table", "name"): "TableName",
    ("aws_ecr_repository", "name"): "RepositoryName",
    ("aws_elastic_beanstalk_environment", "name"): "EnvironmentName",
    ("aws_iam_role", "name"): "RoleName",
    ("aws_iam_user", "name"): "UserName",
    ("aws_cloudwatch_log_group", "name"): "LogGroupName",
    ("aws_s3_bucket", "bucket"): "BucketName",
    ("aws_security_group", "description"): "GroupDescription",
    ("aws_security_group", "name"): "GroupName",
    ("aws_rds_cluster", "cluster_identifier"): "DBClusterIdentifier",
}
"""Terraform's attribute → CloudFormation's property, where their letters differ."""
NOT_RULES: Mapping[tuple[str, str], str] = {}
"""Type and property → the reason why its schema is no rule for Terraform's value."""

needs_cfn_lint = pytest.mark.skipif(SCHEMAS is None, reason="cfn-lint is not installed: make venv-cfnlint")


@cache
def schema_of(region: str, kind: str) -> dict[str, Any]:
    assert SCHEMAS is not None
    name = json.loads((SCHEMAS / "providers" / f"{region}.json").read_text())[kind]
    schema: dict[str, Any] = json.loads((SCHEMAS / "resources" / f"{name}.json").read_text())
    return schema


def plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def violations(
    value: object, schema: Mapping[str, Any], root: Mapping[str, Any], path: str
) -> Iterator[tuple[str, str | None]]:
    """The path of every literal that a schema was found for, with the rule that it breaks, if any."""
    while "$ref" in schema:
        schema = root["definitions"][schema["$ref"].split("/")[-1]]
    if isinstance(value, Mapping):
        properties = {plain(name): found for name, found in schema.get("properties", {}).items()}
        for name, item in value.items():
            if plain(name) in properties:
                yield from violations(item, properties[plain(name)], root, f"{path}.{name}")
    elif isinstance(value, list):
        for item in value:
            inner = schema.get("items", {}) if schema.get("type") == "array" else schema
            yield from violations(item, inner, root, path)
    elif value is not None and not (isinstance(value, str) and "${" in value):
        yield path, broken(value, schema)


def broken(value: object, schema: Mapping[str, Any]) -> str | None:
    """The rule of the schema that the value breaks; CloudFormation takes numbers as text and the reverse."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if "enum" in schema and text not in {
        str(each).lower() if isinstance(each, bool) else str(each) for each in schema["enum"]
    }:
        return f"{text} is none of {schema['enum']}"
    if isinstance(value, str) and "pattern" in schema:
        try:
            pattern = re.compile(schema["pattern"])
        except re.error:  # of another dialect
            return None
        if not pattern.search(text):
            return f"{text!r} does not match {schema['pattern']}"
    if isinstance(value, str) and not schema.get("minLength", 0) <= len(text) <= schema.get("maxLength", len(text)):
        return f"{text!r} has {len(text)} characters"
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if number and not schema.get("minimum", value) <= value <= schema.get("maximum", value):  # type: ignore[operator]
        return f"{value} is out of bounds"
    return None


def judged(document: Mapping[str, Any], region: str) -> Iterator[tuple[str, str | None]]:
    for kind, cloudformation in TYPES.items():
        for name, body in document["resource"].get(kind, {}).items():
            schema = schema_of(region, cloudformation)
            named = {OTHERWISE_NAMED.get((kind, key), key): value for key, value in body.items() if key != "//"}
            yield from violations(named, schema, schema, f"{kind}.{name}")


def excepted(path: str) -> bool:
    return (path.split(".")[0], path.rsplit(".", 1)[-1]) in NOT_RULES


@needs_cfn_lint
@pytest.mark.parametrize("file", STACKS, ids=[file.parent.name for file in STACKS])
def test_literal_values_keep_to_the_schemas_of_their_types(file: Path) -> None:
    document = json.loads(file.read_text())
    found = list(judged(document, document["provider"]["aws"][0]["region"]))
    assert len(found) > 150, "values with a schema"
    assert [f"{path}: {rule}" for path, rule in found if rule and not excepted(path)] == []


@needs_cfn_lint
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("aws_cloudwatch_log_group", {"retention_in_days": 31}),
        ("aws_dynamodb_table", {"billing_mode": "FREE"}),
        ("aws_lambda_function", {"runtime": "python3.11", "memory_size": 64}),
        ("aws_iam_role", {"name": "a role"}),
        ("aws_lb_target_group", {"port": 70000}),
    ],
)
def test_a_value_that_a_schema_refuses_is_found(kind: str, body: dict[str, Any]) -> None:
    assert [rule for _, rule in judged({"resource": {kind: {"it": body}}}, "eu-central-1") if rule] != []


@needs_cfn_lint
def test_every_exception_is_needed() -> None:
    needed = set()
    for file in STACKS:
        document = json.loads(file.read_text())
        for path, rule in judged(document, document["provider"]["aws"][0]["region"]):
            if rule:
                needed.add((path.split(".")[0], path.rsplit(".", 1)[-1]))
    assert needed == NOT_RULES.keys()
