"""Names of what an apply that did not end well may have left behind."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from operations.aws import Aws
from operations.plans.apply_plan import left_behind
from operations.state.bootstrap import bootstrap
from operations.state.held_lock import state_locked
from tests.operations.state.test_move import HERE, put
from tests.operations.terraform_support import REGION, write_stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from operations.stacks import Stack

GROUPS: dict[str, Any] = {
    "aws_cloudwatch_log_group": {name: {"name": f"/left/{name}"} for name in ("known", "lost", "never", "saved")},
    "aws_route": {"one": {}, "two": {}},
    "aws_kms_key": {"key": {}},
}
PLANNED = [
    *((f"aws_cloudwatch_log_group.{name}", "create") for name in ("known", "lost", "never", "saved")),
    ("aws_route.one", "create"),
    ("aws_route.two", "create"),
    ("aws_kms_key.key", "replace"),
    ("aws_sns_topic.other", "update"),
]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        found = Aws()
        bootstrap(found, HERE)
        boto3.client("s3", region_name=REGION).delete_bucket_policy(Bucket=HERE.state.bucket)
        yield found


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return write_stack(tmp_path, GROUPS, environment=HERE)


def hook(kind: str, address: str, **more: str) -> str:
    return json.dumps({"type": kind, "hook": {"resource": {"addr": address}, "action": "create", **more}})


def state_with(*names: str) -> dict[str, Any]:
    resources = [
        {
            "mode": "managed",
            "type": "aws_cloudwatch_log_group",
            "name": name,
            "instances": [{"attributes": {"id": f"/left/{name}"}}],
        }
        for name in names
    ]
    return {"lineage": "l", "serial": 1, "resources": resources}


def test_everything_that_no_state_knows_is_named_with_its_import_block(aws: Aws, stack: Stack, tmp_path: Path) -> None:
    logs = boto3.client("logs", region_name=REGION)
    for name in ("known", "lost", "saved"):
        logs.create_log_group(logGroupName=f"/left/{name}")
    put(stack.state.key, state_with("known"))
    (tmp_path / "errored.tfstate").write_text(json.dumps(state_with("known", "saved")))
    lines = [
        hook("apply_start", "aws_route.one"),
        hook("apply_start", "aws_kms_key.key"),
        hook("apply_complete", "aws_kms_key.key", id_value="1234"),
    ]
    (tmp_path / "apply.jsonl").write_text("\n".join([*lines, json.dumps({"type": "change_summary"})]))
    with state_locked(aws, stack, "apply"):
        said = "\n".join(left_behind(aws, stack, tmp_path, PLANNED))
    assert 'to = aws_cloudwatch_log_group.lost\n  id = "/left/lost"' in said
    assert 'to = aws_kms_key.key\n  id = "1234"' in said
    assert said.count("import {") == 2
    assert "look yourself: aws_route.one" in said
    assert "aws_route.two" not in said
    assert "quintet state unlock example-test" in said
    assert "quintet state push example-test" in said


def test_without_the_end_of_the_output_whatever_cannot_be_looked_up_may_exist(
    aws: Aws, stack: Stack, tmp_path: Path
) -> None:
    (tmp_path / "apply.jsonl").write_text(hook("apply_start", "aws_route.one") + '\n{"type": "apply_st')
    said = "\n".join(left_behind(aws, stack, tmp_path, PLANNED))
    assert "look yourself: aws_kms_key.key, aws_route.one, aws_route.two" in said


def test_nothing_is_said_where_nothing_is_left(aws: Aws, stack: Stack, tmp_path: Path) -> None:
    assert left_behind(aws, stack, tmp_path, [PLANNED[0], PLANNED[-1]]) == []


def test_aws_that_cannot_be_asked_is_said(
    aws: Aws, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "errored.tfstate").write_text("{}")
    gone = Aws({"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_ENDPOINT_URL": "http://127.0.0.1:9"})
    del aws
    said = "\n".join(left_behind(gone, stack, tmp_path, PLANNED))
    assert "quintet state push example-test" in said
    assert "could not be looked up" in said


def test_what_belongs_to_another_resource_is_looked_up_by_what_the_stack_declares(aws: Aws, tmp_path: Path) -> None:
    role = {"name": "left-role", "assume_role_policy": "{}"}
    policy = {"name": "read", "role": "${aws_iam_role.role.name}", "policy": "{}"}
    resources = {
        "aws_iam_role": {"role": role, "never": {**role, "name": "never-role"}},
        "aws_iam_role_policy": {
            "read": policy,
            "never": {**policy, "name": "never"},
            "of_never": {**policy, "role": "${aws_iam_role.never.name}"},
        },
        "aws_kms_alias": {"alias": {"name": "alias/left", "target_key_id": "${aws_kms_key.key.key_id}"}},
        "aws_route": {
            "default": {"route_table_id": "${aws_route_table.table.id}", "destination_cidr_block": "0.0.0.0/0"},
            "unknown": {"route_table_id": "${aws_route_table.other.id}", "destination_cidr_block": "0.0.0.0/0"},
        },
    }
    stack = write_stack(tmp_path, resources, environment=HERE)
    iam, ec2, kms = (boto3.client(service, region_name=REGION) for service in ("iam", "ec2", "kms"))
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]}
    iam.create_role(RoleName="left-role", AssumeRolePolicyDocument=json.dumps(trust))
    allowed = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
    iam.put_role_policy(RoleName="left-role", PolicyName="read", PolicyDocument=json.dumps(allowed))
    kms.create_alias(AliasName="alias/left", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    table = ec2.create_route_table(VpcId=vpc)["RouteTable"]["RouteTableId"]
    ec2.create_route(RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    known = {
        "mode": "managed",
        "type": "aws_route_table",
        "name": "table",
        "instances": [{"attributes": {"id": table}}],
    }
    put(stack.state.key, {"lineage": "l", "serial": 1, "resources": [known]})
    (tmp_path / "apply.jsonl").write_text('{"type": "apply_st')
    planned = [(f"{kind}.{name}", "create") for kind, named in resources.items() for name in named]
    planned.append(("aws_cloudwatch_metric_alarm.of_another_commit", "create"))
    said = "\n".join(left_behind(aws, stack, tmp_path, planned))
    assert 'to = aws_iam_role_policy.read\n  id = "left-role:read"' in said
    assert 'to = aws_kms_alias.alias\n  id = "alias/left"' in said
    assert f'to = aws_route.default\n  id = "{table}_0.0.0.0/0"' in said
    assert said.count("import {") == 4  # the role as well
    assert "look yourself: aws_cloudwatch_metric_alarm.of_another_commit, aws_route.unknown" in said
    assert "never" not in said
