"""Policies of roles: their sizes, their bounds, and nothing in them that AWS does not know."""

from __future__ import annotations

import json
from functools import cache

import pytest

from config.settings import ROOT
from iam.document import PolicyDocument, parse
from iam.evaluation import evaluate
from iam.reference import mistakes
from iam.request import Context, Principal, Request
from operations.errors import OperatorError
from operations.roles.documents import CHARACTERS, DOCUMENTS, role_documents
from operations.roles.provider_rights import roles_of
from operations.roles.role import Role
from operations.stacks import Stack, find_stacks, only

STACKS = {stack.name: stack for stack in find_stacks(ROOT)}
ROLES = [(name, role) for name, stack in STACKS.items() for role in roles_of(stack)]
every_role = pytest.mark.parametrize(("name", "role"), ROLES)
LOCK_WRITES = {"dynamodb:DeleteItem", "dynamodb:PutItem"}


@cache
def policies(name: str, role: Role) -> list[PolicyDocument]:
    return [parse(each.text, name=each.name) for each in role_documents(STACKS[name], role)]


def may(name: str, role: Role, action: str, resource: str, **context: str | tuple[str, ...] | None) -> bool:
    stack = STACKS[name]
    values = {"aws:requestedregion": stack.region, "aws:resourcetag/*": None, "dynamodb:leadingkeys": None, **context}
    principal = Principal(f"arn:aws:iam::{stack.account_id}:role/{role}", stack.account_id)
    return evaluate(Request(action, resource, principal, Context(values)), policies(name, role)).allowed


@every_role
def test_every_document_fits_into_a_managed_policy_and_every_role_into_its_quota(name: str, role: Role) -> None:
    documents = role_documents(STACKS[name], role)
    assert 1 <= len(documents) <= DOCUMENTS
    for each in documents:
        assert each.characters == len("".join(json.dumps(json.loads(each.text)).split()))
        assert each.characters < CHARACTERS


@every_role
def test_documents_name_nothing_that_aws_does_not_know(name: str, role: Role) -> None:
    assert [sentence for policy in policies(name, role) for sentence in mistakes(policy)] == []


@pytest.mark.parametrize("name", STACKS)
def test_a_role_that_plans_writes_locks_and_nothing_else(name: str) -> None:
    allowed = {
        action for policy in policies(name, Role.PLAN) for each in policy.statements for action in each.actions or ()
    }
    reads = ("Describe", "Get", "Head", "List")
    assert not allowed & {"kms:Decrypt", "secretsmanager:GetSecretValue", "ssm:GetParameters"}
    assert {action for action in allowed if not action.partition(":")[2].startswith(reads)} == LOCK_WRITES


@every_role
def test_the_state_of_another_stack_and_its_lock_are_out_of_reach(name: str, role: Role) -> None:
    stack = STACKS[name]
    bucket, table = stack.state.bucket, f"arn:aws:dynamodb:{stack.state.region}:{stack.account_id}:table/{stack.state.lock_table}"  # fmt: skip
    assert may(name, role, "s3:GetObject", f"arn:aws:s3:::{bucket}/{stack.state.key}")
    assert may(name, role, "s3:PutObject", f"arn:aws:s3:::{bucket}/{stack.state.key}") == (role is Role.APPLY)
    assert may(name, role, "dynamodb:PutItem", table, **{"dynamodb:leadingkeys": (stack.state.lock_id,)})
    for other in STACKS.values():
        if other.state.key == stack.state.key:
            continue
        assert not may(name, role, "s3:GetObject", f"arn:aws:s3:::{bucket}/{other.state.key}")
        theirs = {"dynamodb:leadingkeys": (f"{bucket}/{other.state.key}",)}
        assert not may(name, role, "dynamodb:PutItem", table, **theirs)


def test_an_apply_of_one_stack_deletes_nothing_of_another() -> None:
    stack = STACKS["suai-cloud-app-dev"]
    for service, kind in (("rds", "db"), ("elasticache", "replicationgroup")):
        action = {"rds": "rds:DeleteDBInstance", "elasticache": "elasticache:DeleteReplicationGroup"}[service]
        ours = f"arn:aws:{service}:{stack.region}:{stack.account_id}:{kind}:suai-cloud-app-dev-x"
        assert may(stack.name, Role.APPLY, action, ours)
        for other in (
            ours.replace("suai-cloud-app-dev", "aquamark-dev"),
            ours.replace(stack.region, "us-east-1"),
            ours.replace(stack.account_id, "999988887777"),
        ):
            assert not may(stack.name, Role.APPLY, action, other)


@pytest.mark.parametrize("name", STACKS)
def test_an_apply_empties_the_buckets_that_it_may_delete_and_no_plan_does(name: str) -> None:
    document = json.loads((STACKS[name].folder / "cdk.tf.json").read_text(encoding="utf-8"))
    buckets = [each["bucket"] for each in document["resource"].get("aws_s3_bucket", {}).values()]
    assert all("${" not in bucket for bucket in buckets)
    for bucket in buckets:
        assert may(name, Role.APPLY, "s3:DeleteBucket", f"arn:aws:s3:::{bucket}")
        assert may(name, Role.APPLY, "s3:ListBucketVersions", f"arn:aws:s3:::{bucket}")
        for action in ("s3:DeleteObject", "s3:DeleteObjectVersion"):
            assert may(name, Role.APPLY, action, f"arn:aws:s3:::{bucket}/assets/common.js")
            assert not may(name, Role.APPLY, action, f"arn:aws:s3:::of-others-{bucket}/assets/common.js")
            assert not may(name, Role.PLAN, action, f"arn:aws:s3:::{bucket}/assets/common.js")


def test_an_apply_deletes_no_network_or_key_with_the_tags_of_another_stack() -> None:
    stack = STACKS["suai-cloud-app-dev"]
    for action, end in (("ec2:DeleteVpc", "ec2:{}:vpc/vpc-1"), ("kms:ScheduleKeyDeletion", "kms:{}:key/0a1b")):
        arn = "arn:aws:" + end.format(f"{stack.region}:{stack.account_id}")
        ours = {"aws:resourcetag/deployment": "suai-cloud-app", "aws:resourcetag/environment": "dev"}
        assert may(stack.name, Role.APPLY, action, arn, **ours)
        assert may(stack.name, Role.APPLY, action, arn, **dict.fromkeys(ours))
        assert not may(stack.name, Role.APPLY, action, arn, **{**ours, "aws:resourcetag/deployment": "aquamark"})
        assert not may(stack.name, Role.APPLY, action, arn, **{**ours, "aws:resourcetag/environment": "prod"})


def test_names_that_settings_give_are_those_of_the_stack_in_question() -> None:
    for name in ("suai-cloud-app-dev", "suai-cloud-app-prod"):
        stack = STACKS[name]
        document = json.loads((stack.folder / "cdk.tf.json").read_text(encoding="utf-8"))
        table = document["resource"]["aws_dynamodb_table"]["table"]["name"]
        arn = f"arn:aws:dynamodb:{stack.region}:{stack.account_id}:table/"
        assert may(name, Role.APPLY, "dynamodb:DeleteTable", f"{arn}{table}")
        assert not may(name, Role.APPLY, "dynamodb:DeleteTable", f"{arn}another")


def test_the_key_of_the_state_bucket_is_added_when_it_is_named() -> None:
    arn = "arn:aws:kms:eu-central-1:111122223333:key/0a1b"
    stack = STACKS["suai-cloud-app-dev"]
    with_key = "".join(each.text for each in role_documents(stack, Role.PLAN, state_key_arn=arn))
    assert arn in with_key
    assert arn not in "".join(each.text for each in role_documents(stack, Role.PLAN))


def test_changes_of_what_was_created_are_allowed_although_no_recording_made_them() -> None:
    stack = STACKS["suai-cloud-app-dev"]
    arn = f"arn:aws:rds:{stack.region}:{stack.account_id}:db:suai-cloud-app-dev-database"
    assert may(stack.name, Role.APPLY, "rds:ModifyDBInstance", arn)
    assert may(stack.name, Role.APPLY, "rds:RemoveTagsFromResource", arn)


def test_an_operator_may_look_for_old_instances_and_cancel_their_replacement() -> None:
    stack = STACKS["suai-cloud-app-dev"]
    group = f"arn:aws:autoscaling:{stack.region}:{stack.account_id}:autoScalingGroup:*:autoScalingGroupName"
    assert may(stack.name, Role.OPERATE, "ec2:DescribeInstances", "*")
    assert may(stack.name, Role.OPERATE, "autoscaling:CancelInstanceRefresh", f"{group}/{stack.name}-web")
    assert not may(stack.name, Role.OPERATE, "autoscaling:CancelInstanceRefresh", f"{group}/aquamark-dev-web")


def test_a_deployment_whose_commands_were_not_recorded_has_no_role_to_operate() -> None:
    stack: Stack = only(list(STACKS.values()), "aquamark-dev")
    with pytest.raises(OperatorError, match="No calls of operate were recorded for aquamark"):
        role_documents(stack, Role.OPERATE)
