"""Every policy in every stack is read by parliament, which knows AWS's actions, resources and conditions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from parliament import analyze_policy_string, enhance_finding

from config.settings import ROOT
from operations.review.addresses import read_document
from operations.stacks import find_stacks

EXAMPLES = {
    "aws_cloudfront_distribution": "arn:aws:cloudfront::111122223333:distribution/EDFDVBD6EXAMPLE",
    "aws_cloudwatch_log_group": "arn:aws:logs:eu-central-1:111122223333:log-group:/quintet/sample",
    "aws_db_instance": "arn:aws:rds:eu-central-1:111122223333:db:sample",
    "aws_dynamodb_table": "arn:aws:dynamodb:eu-central-1:111122223333:table/sample",
    "aws_ecr_repository": "arn:aws:ecr:eu-central-1:111122223333:repository/sample",
    "aws_ecs_cluster": "arn:aws:ecs:eu-central-1:111122223333:cluster/sample",
    "aws_ecs_task_definition": "arn:aws:ecs:eu-central-1:111122223333:task-definition/sample:1",
    "aws_elastic_beanstalk_application": "arn:aws:elasticbeanstalk:eu-central-1:111122223333:application/sample",
    "aws_iam_role": "arn:aws:iam::111122223333:role/sample",
    "aws_iam_user": "arn:aws:iam::111122223333:user/sample",
    "aws_kms_key": "arn:aws:kms:eu-central-1:111122223333:key/12345678-1234-1234-1234-123456789012",
    "aws_lambda_function": "arn:aws:lambda:eu-central-1:111122223333:function:sample",
    "aws_rds_cluster": "arn:aws:rds:eu-central-1:111122223333:cluster:sample",
    "aws_s3_bucket": "arn:aws:s3:::sample",
    "aws_secretsmanager_secret": "arn:aws:secretsmanager:eu-central-1:111122223333:secret:sample-AbCdEf",
    "aws_sfn_state_machine": "arn:aws:states:eu-central-1:111122223333:stateMachine:sample",
    "aws_sns_topic": "arn:aws:sns:eu-central-1:111122223333:sample",
    "aws_sns_topic_policy": "arn:aws:sns:eu-central-1:111122223333:sample",
    "aws_ssm_parameter": "arn:aws:ssm:eu-central-1:111122223333:parameter/sample",
    "aws_vpc": "vpc-0a1b2c3d4e5f60718",
}
"""Stand-in for an attribute of a resource of this type, which is known only once it exists."""

REFERENCE = re.compile(r"\$\{(aws_\w+)\.\w+((?:\[\d+\])?\.[\w\[\].]+)\}")


def example(match: re.Match[str]) -> str:
    resource_type, attribute = match.groups()
    if attribute.endswith("secret_arn"):
        return EXAMPLES["aws_secretsmanager_secret"]
    if attribute == ".arn":
        return EXAMPLES[resource_type]
    return EXAMPLES[resource_type].split(":")[-1].split("/")[-1]


def policies() -> Iterator[tuple[str, str, str]]:
    """Stack and address, the kind of policy, and its text with examples for what is not known yet."""
    for stack in find_stacks(ROOT):
        for resource_type, resources in read_document(stack.folder)["resource"].items():
            if resource_type == "aws_ecr_lifecycle_policy":  # of images, not of permissions
                continue
            for name, attributes in resources.items():
                for key in ("policy", "assume_role_policy", "access_policy", "repository_policy"):
                    if isinstance(attributes.get(key), str) and attributes[key].startswith("{"):
                        kind = "trust" if key == "assume_role_policy" else resource_type
                        yield f"{stack.name}:{resource_type}.{name}", kind, REFERENCE.sub(example, attributes[key])


def named(kind: str, text: str) -> dict[str, Any]:
    """The policy with the resource that it stands at: trust policies leave it out."""
    policy: dict[str, Any] = json.loads(text)
    if kind == "trust":
        for statement in policy["Statement"]:
            statement["Resource"] = EXAMPLES["aws_iam_role"]
    return policy


_KEEP = ("ec2:AssignPrivateIpAddresses", "ec2:DeleteNetworkInterface", "ec2:UnassignPrivateIpAddresses")
LAMBDA_IN_A_NETWORK = {
    ("RESOURCE_STAR", str(list(_KEEP))),
    *(
        ("UNKNOWN_CONDITION_FOR_ACTION", f"Unknown condition lambda:SourceFunctionArn for action {action}")
        for action in _KEEP
    ),
}
"""Expected: Lambda checks these on `*` when a function in a VPC is created, and AWS's guide denies them to the function's
own code by lambda:SourceFunctionArn, which parliament's data does not know.
https://docs.aws.amazon.com/lambda/latest/dg/configuration-vpc.html, 2026-11-28."""
SYSTEMS_MANAGER_AGENT = (
    "RESOURCE_STAR",
    str(
        [
            "ssm:DescribeDocument",
            "ssm:GetDocument",
            "ssm:UpdateAssociationStatus",
            "ssm:UpdateInstanceAssociationStatus",
        ]
    ),
)
"""Expected: the agent works with AWS's documents, and its instance's id is not known before it starts.
AmazonSSMManagedInstanceCore allows the same on `*` (read 2026-11-28)."""


def bounded(text: str) -> bool:
    """Tell if every statement of an endpoint's policy has a condition, or only reads.

    In it `*` is whatever is asked for; packages and image layers are read from buckets of AWS.
    """
    return all(
        "Condition" in statement or all(re.match("s3:(Get|List)", action) for action in statement["Action"])
        for statement in json.loads(text)["Statement"]
    )


@pytest.mark.parametrize(("kind", "text"), [pytest.param(kind, text, id=where) for where, kind, text in policies()])
def test_parliament_finds_nothing(kind: str, text: str) -> None:
    findings = [enhance_finding(found) for found in analyze_policy_string(json.dumps(named(kind, text))).findings]
    if kind == "aws_kms_key":  # in a key's own policy `*` means that key
        findings = [found for found in findings if found.issue != "RESOURCE_STAR"]
    if kind == "aws_iam_role_policy" and '"Sid":"KeepInterfaces"' in text:
        findings = [found for found in findings if (found.issue, str(found.detail)) not in LAMBDA_IN_A_NETWORK]
    if kind == "aws_iam_role_policy" and '"Sid":"AnswerSystemsManager"' in text:
        findings = [found for found in findings if (found.issue, str(found.detail)) != SYSTEMS_MANAGER_AGENT]
    if kind == "aws_vpc_endpoint":
        findings = [found for found in findings if found.issue != "RESOURCE_STAR" or not bounded(text)]
    assert [
        f"{found.severity} {found.issue}: {found.title} {found.detail} {found.location}" for found in findings
    ] == []
