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
