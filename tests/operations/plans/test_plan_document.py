"""Plans of every shape that Terraform, OpenTofu and HCP Terraform write: none is left out, none costs another stack."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from rich.console import Console

from operations.plans.plan_document import Action, read_plan
from operations.plans.report.html import html
from operations.plans.report.markdown import markdown
from operations.plans.report.terminal import print_report
from operations.plans.review import Background, review
from tests.operations.plans.plan_support import change, plan_of, report_of, stack_report


def every_form(plan: dict[str, Any]) -> list[str]:
    report = report_of(stack_report(plan))
    output = io.StringIO()
    print_report(report, Console(file=output, width=400))
    return [output.getvalue(), markdown(report), html(report)]


DATABASE = "aws_db_instance.main"
GONE = change(DATABASE, {"id": "a"}, None)
CHECK = {
    "address": {"kind": "check", "to_display": "check.health"},
    "status": "fail",
    "instances": [{"status": "fail", "problems": [{"message": "the certificate has expired"}]}],
}

# a plan, what every form says of it
SHAPES: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "unknown action": (plan_of(change(DATABASE, {}, {}, actions=["transmute"])), (DATABASE, "transmute is not known")),
    "no actions": (plan_of(change(DATABASE, {}, {}, actions=None)), (DATABASE, "is not known here")),
    "entry without a change": (plan_of({"address": DATABASE, "mode": "managed"}), (DATABASE, "is not known here")),
    "entry that is a text": (plan_of("surprise"), ("without an address",)),  # type: ignore[arg-type]
    "forget": (plan_of(change(DATABASE, {}, None, actions=["forget"])), (DATABASE, "forget")),
    "forget and create": (plan_of(change(DATABASE, {}, {}, actions=["forget", "create"])), (DATABASE, "forgotten")),
    "deposed": (plan_of(GONE | {"deposed": "abcd1234"}), (DATABASE, "deposed object abcd1234")),
    "import by id": (plan_of(change("aws_x.x", {}, {}, actions=["no-op"], importing={"id": "x-1"})), ("x-1",)),
    "import by identity": (
        plan_of(change("aws_x.x", {}, {}, actions=["no-op"], importing={"identity": {"bucket": "b-1"}})),
        ("bucket=b-1",),
    ),
    "deferred": (
        plan_of() | {"deferred_changes": [{"reason": "provider_config_unknown", "resource_change": GONE}]},
        (DATABASE, "left to a later plan", "its provider is not configured yet"),
    ),
    "action": (
        plan_of() | {"action_invocations": [{"address": "action.aws_lambda_invoke.seed"}]},
        ("action.aws_lambda_invoke.seed",),
    ),
    "failed check": (plan_of() | {"checks": [CHECK]}, ("check.health fails", "the certificate has expired")),
    "empty replace path": (
        plan_of(change(DATABASE, {"a": 1}, {"a": 2}, actions=["delete", "create"], replace_paths=[[]])),
        (DATABASE, "REPLACE"),
    ),
    "module": (plan_of(change('module.a["b.c"].aws_db_instance.d', {}, None) | {"type": None}), ("holds data",)),
    "type of a value only": (plan_of(change("aws_x.x", {"a": True}, {"a": 1})), ("true → 1",)),
    "type inside JSON only": (plan_of(change("aws_x.x", {"a": '{"b": true}'}, {"a": '{"b": 1}'})), ("a.b",)),
    "deep JSON": (plan_of(change("aws_x.x", {"a": "x"}, {"a": "[" * 200_000})), ("more characters",)),
    "deep but whole JSON": (plan_of(change("aws_x.x", {"a": "x"}, {"a": "[" * 500 + "]" * 500})), ("aws_x.x",)),
    "marks of another shape": (plan_of(change("aws_x.x", "a", "b", after_unknown={"c": True})), ("aws_x.x",)),  # type: ignore[arg-type]
    "errored": (plan_of(GONE) | {"errored": True}, (DATABASE, "could not finish")),
    "endpoints": (
        plan_of()
        | {
            "configuration": {
                "provider_config": {
                    "aws": {"expressions": {"endpoints": [{"s3": {"constant_value": "http://127.0.0.1:5000"}}]}}
                }
            }
        },
        ("made on the emulator", "127.0.0.1:5000"),
    ),
    "queue of the emulator": (
        plan_of(change("aws_sqs_queue.q", {"url": "http://localhost:5000/1/q", "d": 1}, {"d": 2})),
        ("made on the emulator",),
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_plan_of_any_shape_is_said_in_words_in_every_form(shape: str) -> None:
    plan, words = SHAPES[shape]
    for text in every_form(plan):
        plain = text.replace("&#34;", '"')
        missing = [
            word for word in words if word not in plain and not ("→" in word and 'class="old">true</td>' in plain)
        ]
        assert missing == []


def test_an_unknown_action_counts_as_destroying() -> None:
    (found,) = read_plan(plan_of(change(DATABASE, {}, {}, actions=["transmute"]))).changes
    assert found.action is Action.UNKNOWN
    assert found.destroys


def test_a_deposed_object_has_findings_of_its_own() -> None:
    current = change(DATABASE, {"id": "b", "port": 1}, {"id": "b", "port": 2})
    gone, kept = stack_report(plan_of(GONE | {"deposed": "abcd1234"}, current)).changes
    assert [finding.policy for finding in gone.findings] == ["data-destroyed"]
    assert kept.findings == ()


def test_a_value_nested_too_deeply_costs_its_stack_the_report_and_no_other() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    report = report_of(stack_report(plan_of(change("aws_x.x", {"a": "x"}, {"a": deep}))), stack_report(plan_of(GONE)))
    assert "nested too deeply" in report.stacks[0].failure
    assert DATABASE in markdown(report)
    assert report.exit_code() == 1


def test_a_defect_in_a_policy_costs_its_stack_the_report_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr("operations.plans.review.judge", broken)
    assert "KeyError: 'surprise'" in stack_report(plan_of(GONE)).failure


def test_a_plan_made_on_the_emulator_says_so() -> None:
    background = Background({}, {}, protect_data=True, silence=lambda *_: "", endpoint="http://127.0.0.1:4566")
    said = review("a-dev", "dev", plan_of(), background).notices
    assert said == ("This plan was made on the emulator, http://127.0.0.1:4566, not on AWS.",)
    other = "https://aws.proxy.example"
    background = Background({}, {}, protect_data=True, silence=lambda *_: "", endpoint=other)
    assert review("a-dev", "dev", plan_of(), background).notices == (
        f"This plan was made on an endpoint of its own, {other}, not on AWS.",
    )


@pytest.mark.parametrize("text", ["[]", '"plan"', "{}", '{"format_version": "1.0", "values": {}}'])
def test_json_that_is_no_plan_is_refused_with_the_command_to_type(text: str) -> None:
    assert "terraform show -json plan" in stack_report(json.loads(text)).failure
