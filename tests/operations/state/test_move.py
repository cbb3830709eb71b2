"""A state moves to the key that begins with its environment, and nothing works on a state that is not its own."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from operations.aws import Aws
from operations.errors import OperatorError
from operations.state.belonging import former_place, refuse_foreign_state, refuse_missing_state
from operations.state.bootstrap import bootstrap
from operations.state.digest import md5
from operations.state.held_lock import state_locked
from operations.state.move import move, plan_move
from operations.state.one_operator import one_operator
from operations.state.status import locks_of, operators_of, state_content, status, unlock
from tests.operations.terraform_support import ENVIRONMENT, QUICK, REGION, write_stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from operations.stacks import Stack

HERE = ENVIRONMENT.model_copy(update={"account_id": "123456789012"})
AWS = 'provider["registry.terraform.io/hashicorp/aws"]'


def state_of(
    deployment: str = "example", environment: str = "test", region: str = REGION, **more: Any
) -> dict[str, Any]:
    tags = {"Deployment": deployment, "Environment": environment}
    attributes = {"arn": f"arn:aws:sns:{region}:123456789012:a", "tags_all": tags}
    role = {"arn": "arn:aws:iam::123456789012:role/a", "tags_all": tags}
    resources = [
        {"mode": "managed", "type": kind, "name": "a", "provider": AWS, "instances": [{"attributes": found}]}
        for kind, found in (("aws_sns_topic", attributes), ("aws_iam_role", role))
    ]
    return {"version": 4, "lineage": "l", "serial": 3, "resources": resources, **more}


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        found = Aws()
        bootstrap(found, HERE)
        # moto alone does not understand the conditions of its policy
        boto3.client("s3", region_name=REGION).delete_bucket_policy(Bucket=HERE.state.bucket)
        yield found


@pytest.fixture(params=["dynamodb", "lockfile"])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Stack:
    environment = HERE.model_copy(update={"state": HERE.state.model_copy(update={"locking": request.param})})
    return write_stack(tmp_path, QUICK, environment=environment)


def put(key: str, state: dict[str, Any] | str) -> bytes:
    body = (state if isinstance(state, str) else json.dumps(state)).encode()
    boto3.client("s3", region_name=REGION).put_object(Bucket=HERE.state.bucket, Key=key, Body=body)
    return body


def test_a_state_is_moved_with_its_digest_and_the_former_one_stays_under_lock(aws: Aws, stack: Stack) -> None:
    content = put("example/terraform.tfstate", state_of())
    (row,) = status(aws, HERE, [stack]).stacks
    assert (row.state, row.at_former_key) == (None, True)
    with pytest.raises(OperatorError, match="quintet state move example-test"):
        refuse_missing_state(aws, stack)

    planned = plan_move(aws, stack)
    assert planned is not None
    assert (planned.serial, planned.resources, planned.owner) == (3, 2, "example-test")
    move(aws, planned)

    refuse_missing_state(aws, stack)
    (row,) = status(aws, HERE, [stack]).stacks
    assert row.state is not None
    assert (row.state.serial, row.state.problem, row.locks) == (3, "", ())
    assert state_content(aws, former_place(stack)) == content
    (lock,) = locks_of(aws, former_place(stack))
    assert lock.operation == "moved to test/example/terraform.tfstate"
    assert plan_move(aws, stack) is None
    if stack.state.lock_table:
        key = {"LockID": {"S": f"{stack.state.lock_id}-md5"}}
        item = boto3.client("dynamodb", region_name=REGION).get_item(TableName=stack.state.lock_table, Key=key)["Item"]
        assert item["Digest"] == {"S": md5(content)}


def test_a_move_waits_for_whoever_works_on_the_state(aws: Aws, stack: Stack) -> None:
    put("example/terraform.tfstate", state_of())
    planned = plan_move(aws, stack)
    assert planned is not None
    for held in (stack, former_place(stack)):
        with state_locked(aws, held, "apply"), pytest.raises(OperatorError, match="is locked"):
            move(aws, planned)
    assert state_content(aws, stack) is None
    assert locks_of(aws, stack) == locks_of(aws, former_place(stack)) == ()


def test_of_two_operators_one_works_and_the_other_is_told_who_does(aws: Aws, stack: Stack) -> None:
    with one_operator(aws, stack, "rotate-key"), state_locked(aws, stack, "apply"):  # Terraform is not kept waiting
        with pytest.raises(OperatorError, match=r"is locked: .*rotate-key"), one_operator(aws, stack, "rotate-key"):
            pass
        (row,) = status(aws, HERE, [stack]).stacks
        assert [lock.operation for lock in row.locks] == ["apply", "rotate-key"]
        unlock(aws, stack, row.locks)  # as after the death of both
    assert operators_of(aws, stack) == locks_of(aws, stack) == ()


def test_a_state_of_another_environment_at_the_former_key_is_left_alone(aws: Aws, stack: Stack) -> None:
    put("example/terraform.tfstate", state_of(environment="prod"))
    refuse_missing_state(aws, stack)
    with pytest.raises(OperatorError, match="is the state of example-prod"):
        plan_move(aws, stack)


def test_two_states_with_different_histories_are_not_moved_over_each_other(aws: Aws, stack: Stack) -> None:
    put("example/terraform.tfstate", state_of())
    put(stack.state.key, state_of(lineage="other"))
    with pytest.raises(OperatorError, match="different histories"):
        plan_move(aws, stack)


def test_a_state_of_0_bytes_is_refused_because_terraform_would_take_it_for_none(aws: Aws, stack: Stack) -> None:
    put(stack.state.key, "")
    with pytest.raises(OperatorError, match="0 bytes"):
        refuse_missing_state(aws, stack)


def test_a_state_of_another_stack_or_of_another_region_is_refused(stack: Stack) -> None:
    refuse_foreign_state(stack, state_of())
    refuse_foreign_state(stack, {"resources": []})
    with pytest.raises(OperatorError, match="belongs to example-prod"):
        refuse_foreign_state(stack, state_of(environment="prod"))
    with pytest.raises(OperatorError, match=f"knows 1 resources in {REGION}; the stack is for eu-west-1 now"):
        refuse_foreign_state(replace(stack, region="eu-west-1"), state_of())
