"""`quintet report` on plans in files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from operations.cli import run
from tests.operations.plans.plan_support import change, plan_of, recorded


@pytest.fixture
def write(tmp_path: Path) -> Any:
    def write(plan: Any, name: str = "plan.json") -> str:
        file = tmp_path / name
        file.write_text(plan if isinstance(plan, str) else json.dumps(plan), encoding="utf-8")
        return str(file)

    return write


@pytest.mark.parametrize("form", ["terminal", "markdown", "html"])
def test_a_plan_of_somebody_else_is_reported_on_in_three_forms(
    write: Any, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    assert run(["report", write(recorded("everything")), "--format", form]) == 2
    assert "aws_dynamodb_table.sessions" in capsys.readouterr().out


def test_exit_codes_are_those_of_plan(write: Any) -> None:
    assert run(["report", write(recorded("empty"))]) == 0
    destroyed = write(plan_of(change("aws_db_instance.x", {"id": "x"}, None)))
    assert run(["report", destroyed]) == 2
    assert run(["report", destroyed, "--fail-on", "iam-wildcard"]) == 2
    assert run(["report", destroyed, "--fail-on", "data-destroyed"]) == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('{"format_version": "0.1", "resource_changes": []}', 'format "0.1"'),
        ('{"format_version": "0\\u001b[2J\\u202e"}', r'format "0\x1b[2J\u202e"'),
    ],
)
def test_a_file_that_is_no_plan_is_said_and_the_others_are_reported_on(
    write: Any, capsys: pytest.CaptureFixture[str], text: str, said: str
) -> None:
    assert run(["report", write(text, "bad.json"), write(recorded("everything")), "/nowhere.json"]) == 1
    shown = capsys.readouterr()
    assert said in shown.err
    assert "/nowhere.json cannot be read: No such file or directory." in shown.err
    assert "aws_dynamodb_table.sessions" in shown.out


def test_exemptions_of_a_stack_count_when_the_plan_is_said_to_be_its(
    write: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    plan = write(plan_of())
    assert run(["report", plan, "--stack", "aquamark-dev"]) == 0
    assert "aquamark-dev" in capsys.readouterr().out
    assert run(["report", plan, "--stack", "aquamark-tets"]) == 1
    assert "No stack is called aquamark-tets" in capsys.readouterr().err
    assert run(["report", plan, plan, "--stack", "aquamark-dev"]) == 1


@pytest.mark.parametrize(
    ("deployment", "environment", "code"),
    [("aquamark", "dev", 0), ("aquamark", "prod", 1), ("canvas-data-2", "dev", 1), (None, "prod", 0), (7, [], 0)],
)
def test_a_plan_that_its_tags_say_is_another_stacks_is_refused(
    write: Any, capsys: pytest.CaptureFixture[str], deployment: Any, environment: Any, code: int
) -> None:
    tags = {"Project": "quintet", "Deployment": deployment, "Environment": environment}
    provider = {
        "name": "aws",
        "expressions": {"default_tags": [{"tags": {"constant_value": tags}}]},
    }  # Terraform 1.11.4
    providers = {"aws": provider, "aws.us": {"alias": "us"}, "random": None}
    plan = write(plan_of() | {"configuration": {"provider_config": providers}})
    assert run(["report", plan, "--stack", "aquamark-dev"]) == code
    refusal = f"is a plan of {deployment}-{environment}, not of aquamark-dev. Leave --stack out, or name its own."
    assert (refusal in capsys.readouterr().err) == bool(code)
    assert run(["report", plan]) == 0
