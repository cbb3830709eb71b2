"""Recorded rights: names of one stack become templates, and templates the names of another."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from operations.roles import provider_rights
from operations.roles.provider_rights import merged, rights_of_stack, templates
from operations.stacks import Stack
from tests.operations.terraform_support import ACCOUNT, REGION, STATE, write_stack

TABLE = {"aws_dynamodb_table": {"answers": {"name": "teamtable"}}}


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    return write_stack(tmp_path, TABLE)


def decision(action: str, resource: str, role: str = "apply") -> dict[str, Any]:
    return {"caller": f"role/{role}", "action": action, "resource": resource}


def arn(service: str, end: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{end}"


@pytest.mark.parametrize(
    ("action", "resource", "template"),
    [
        ("rds:DeleteDBInstance", arn("rds", "db:example-test-database"), "arn:aws:rds:{region}:{account}:db:{stack}*"),
        (
            "logs:CreateLogGroup",
            arn("logs", "log-group:/quintet/example-test-web/boot:log-stream:"),
            "arn:aws:logs:{region}:{account}:log-group:/quintet/{stack}*",
        ),
        (
            "dynamodb:DeleteTable",
            arn("dynamodb", "table/teamtable"),
            "arn:aws:dynamodb:{region}:{account}:table/{aws_dynamodb_table.answers.name}",
        ),
        (
            "dynamodb:Query",
            arn("dynamodb", "table/teamtable/index/teams"),
            "arn:aws:dynamodb:{region}:{account}:table/{aws_dynamodb_table.answers.name}/*",
        ),
        ("kms:DescribeKey", arn("kms", "key/0a1b-2c"), "arn:aws:kms:{region}:{account}:key/*"),
        ("ec2:DeleteVpc", arn("ec2", "vpc/vpc-0a1b"), "arn:aws:ec2:{region}:{account}:*"),
        (
            "elasticbeanstalk:DescribeEvents",
            arn("elasticbeanstalk", "environment/*"),
            "arn:aws:elasticbeanstalk:{region}:{account}:environment/*",
        ),
        ("rds:DescribeDBInstances", arn("rds", "db:*"), "arn:aws:rds:{region}:{account}:db:*"),
        ("iam:ListVirtualMFADevices", "*", "*"),
    ],
)
def test_names_of_the_stack_become_templates(stack: Stack, action: str, resource: str, template: str) -> None:
    assert templates(stack, [decision(action, resource)])["apply"] == {action: [template]}


def test_calls_on_the_state_and_its_lock_are_left_out(stack: Stack) -> None:
    state = f"arn:aws:s3:::{STATE.bucket}"
    lock = arn("dynamodb", f"table/{STATE.lock_table}")
    found = [
        decision("s3:GetObject", f"{state}/a"),
        decision("s3:ListBucket", state),
        decision("dynamodb:GetItem", lock),
    ]
    assert templates(stack, found)["apply"] == {}


def test_another_stack_gets_its_own_names_and_no_right_on_what_it_does_not_have(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        decision("rds:DeleteDBInstance", arn("rds", "db:example-test-database")),
        decision("dynamodb:DeleteTable", arn("dynamodb", "table/teamtable")),
    ]
    file = tmp_path / "rights.json"
    file.write_text(json.dumps({"example": merged({}, templates(stack, found))}))
    monkeypatch.setattr(provider_rights, "FILE", file)
    other = write_stack(tmp_path / "other", {"aws_dynamodb_table": {"answers": {"name": "theirs"}}})
    assert rights_of_stack(other, "apply") == {
        "dynamodb:DeleteTable": [arn("dynamodb", "table/theirs")],
        "rds:DeleteDBInstance": [arn("rds", "db:example-test*")],
    }
    assert rights_of_stack(write_stack(tmp_path / "none", {}), "apply")["dynamodb:DeleteTable"] == []


def test_the_file_has_a_line_for_each_action_and_is_as_the_script_writes_it() -> None:
    text = provider_rights.FILE.read_text(encoding="utf-8")
    known = json.loads(text)
    assert text == provider_rights.as_text(known)
    actions = [action for phases in known.values() for rights in phases.values() for action in rights]
    assert sum(line.startswith('"') and '": [' in line for line in text.splitlines()) == len(actions)


def test_recordings_of_two_stacks_are_joined() -> None:
    one = {"plan": {"s3:GetObject": ["a"]}, "apply": {}}
    other = {"plan": {"s3:GetObject": ["b"], "ec2:DescribeVpcs": ["*"]}, "apply": {"ec2:CreateVpc": ["*"]}}
    assert merged(one, other) == {
        "plan": {"ec2:DescribeVpcs": ["*"], "s3:GetObject": ["a", "b"]},
        "apply": {"ec2:CreateVpc": ["*"]},
        "operate": {},
    }


def test_no_recorded_right_names_an_account_or_holds_an_arn_in_an_arn() -> None:
    text = provider_rights.FILE.read_text(encoding="utf-8")
    templates = [each for rights in json.loads(text).values() for actions in rights.values() for several in actions.values() for each in several]  # fmt: skip
    assert [each for each in templates if each.count("arn:") > 1 or re.search(r"\d{12}", each)] == []
