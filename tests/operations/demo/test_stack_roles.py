"""The demo under the stacks' roles: a right that is missing fails the step and is named, and so does a tolerated denial."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from operations.demo.stack_roles import lacking_rights, role_name
from operations.roles import provider_rights
from operations.roles.role import Role
from tests.operations.demo.test_demo import demonstrate, no_checks
from tests.operations.terraform_support import QUICK, make_repository, write_stack

READS = ["sns:GetTopicAttributes", "sns:ListTagsForResource", "ssm:DescribeParameters", "ssm:GetParameter", "ssm:ListTagsForResource"]  # fmt: skip
WRITES = ["sns:CreateTopic", "sns:DeleteTopic", "sns:TagResource", "ssm:AddTagsToResource", "ssm:DeleteParameter", "ssm:PutParameter"]  # fmt: skip


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = make_repository(tmp_path / "repository")
    write_stack(root, QUICK, deployment="one")
    return root


def record(root: Path, monkeypatch: pytest.MonkeyPatch, writes: list[str]) -> None:
    """The rights of the stack's roles, on everything."""
    file = root / "rights.json"
    rights = {"plan": {each: ["*"] for each in READS}, "apply": {each: ["*"] for each in writes}}
    file.write_text(json.dumps({"one": rights}))
    monkeypatch.setattr(provider_rights, "FILE", file)


@pytest.mark.terraform
def test_a_stack_whose_roles_have_their_rights_is_applied_and_destroyed_under_them(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record(root, monkeypatch, WRITES)
    fine, said = demonstrate(root, under_roles=True, destroy=True, checks_of=no_checks)
    assert fine, said
    assert "nothing was denied" in said


@pytest.mark.terraform
def test_a_right_that_a_role_lacks_fails_the_apply_and_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("operations.roles.documents.companions", lambda _: ())
    record(root, monkeypatch, [action for action in WRITES if action != "sns:CreateTopic"])
    fine, said = demonstrate(root, under_roles=True, checks_of=no_checks)
    assert not fine
    assert "one-test: terraform apply failed." in said
    assert "Denied to role/apply-one-test: sns:CreateTopic on arn:aws:sns:" in said
    assert "nothing was denied" not in said


def test_denials_that_the_provider_tolerates_are_told_those_of_other_roles_are_not(tmp_path: Path) -> None:
    stack = write_stack(tmp_path, QUICK)
    denied = [
        {"caller": f"role/{name}", "action": "s3:GetObject", "resource": "*", "reason": "no statement", "times": 1}
        for name in (role_name(stack, Role.PLAN), "example-test-web")
    ]
    status: dict[str, Any] = {"decisions": {"denied": denied}, "missing": {"sns:Fly": 2}}
    assert list(lacking_rights(status, [stack])) == [
        "Denied to role/plan-example-test: s3:GetObject on *, no statement",
        "The emulator does not know sns:Fly, called 2 times",
    ]
