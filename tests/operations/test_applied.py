"""Outputs of applied stacks, as the day-2 commands look them up."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from config.outputs import DeploymentOutputs
from emulator.server import Emulator
from operations.applied import find_applied
from operations.aws import Aws
from operations.errors import OperatorError
from operations.stacks import Stack
from tests.deployments.suai_cloud_app.day2.suai_support import REGION, QuickAws, put_state, stack_of


class SampleOutputs(DeploymentOutputs):
    url: str
    image_arn: str | None = None


class LaterOutputs(SampleOutputs):
    bucket: str
    table: str


@pytest.fixture
def aws(emulator: Emulator, account: str) -> Aws:
    return QuickAws(emulator.environment(account_id=account, region=REGION))


@pytest.fixture
def stack(tmp_path: Path, account: str) -> Stack:
    return stack_of(tmp_path, account)


def test_outputs_are_those_of_the_state(aws: Aws, stack: Stack, tmp_path: Path) -> None:
    put_state(aws, stack, {"url": "http://lb:8080", "of_a_later_version": "x"})
    applied = find_applied(tmp_path, "suai-cloud-app", "test", aws)
    assert applied.read(SampleOutputs) == SampleOutputs(url="http://lb:8080")
    assert applied.stack == stack


def test_sensitive_outputs_are_left_out(aws: Aws, stack: Stack, tmp_path: Path) -> None:
    put_state(aws, stack, {"url": "http://lb:8080"})
    assert dict(find_applied(tmp_path, "suai-cloud-app", "test", aws).values) == {"url": "http://lb:8080"}


def test_an_output_that_an_earlier_version_did_not_have_is_named(aws: Aws, stack: Stack, tmp_path: Path) -> None:
    put_state(aws, stack, {"url": "http://lb:8080"})
    applied = find_applied(tmp_path, "suai-cloud-app", "test", aws)
    with pytest.raises(OperatorError, match=r"suai-cloud-app-test has no output bucket, table: .*\n.*again"):
        applied.read(LaterOutputs)


def test_a_stack_that_was_never_applied_says_so(aws: Aws, stack: Stack, tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="suai-cloud-app-test is not applied"):
        find_applied(tmp_path, "suai-cloud-app", "test", aws)
    put_state(aws, stack, {})
    aws.client("s3", region=REGION).delete_object(Bucket=stack.state.bucket, Key=stack.state.key)
    with pytest.raises(OperatorError, match="suai-cloud-app-test is not applied"):
        find_applied(tmp_path, "suai-cloud-app", "test", aws)


def test_credentials_of_another_account_are_refused(emulator: Emulator, stack: Stack, tmp_path: Path) -> None:
    other = QuickAws(emulator.environment(account_id="999999999999", region=REGION))
    with pytest.raises(OperatorError, match=f"for account 999999999999, not for {stack.account_id}"):
        find_applied(tmp_path, "suai-cloud-app", "test", other)


def test_an_unknown_environment_is_answered_with_those_there_are(aws: Aws, stack: Stack, tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"No stack is called suai-cloud-app-tset\. Did you mean"):
        find_applied(tmp_path, "suai-cloud-app", "tset", aws)


@pytest.mark.parametrize("content", ["no JSON", "[]", '{"outputs": {"url": "x"}}'])
def test_what_is_no_state_is_refused(aws: Aws, stack: Stack, tmp_path: Path, content: str) -> None:
    put_state(aws, stack, {})
    aws.client("s3", region=REGION).put_object(Bucket=stack.state.bucket, Key=stack.state.key, Body=content.encode())
    with pytest.raises(OperatorError, match="is not a state of Terraform"):
        find_applied(tmp_path, "suai-cloud-app", "test", aws)


def test_a_state_in_hcp_terraform_is_looked_for_in_vain(aws: Aws, stack: Stack, tmp_path: Path) -> None:
    file = stack.folder / "cdk.tf.json"
    document = json.loads(file.read_text())
    document["terraform"]["cloud"] = document["terraform"].pop("backend")
    file.write_text(json.dumps(document))
    with pytest.raises(OperatorError, match="keeps its state in HCP Terraform"):
        find_applied(tmp_path, "suai-cloud-app", "test", aws)
