from __future__ import annotations

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from operations.errors import OperatorError
from operations.review.checkov import Place, judge, subtract
from operations.stacks import FILE, Stack

OPEN = Place("sample-dev", "aws_lb.load_balancer", "CKV_AWS_91")
GROUP = Place("sample-dev", "aws_cloudwatch_log_group.log", "CKV_AWS_158")


def document(exemptions: dict[str, dict[str, str]] | None = None) -> dict[str, Any]:
    resources: dict[str, Any] = {"aws_lb": {"load_balancer": {}}, "aws_cloudwatch_log_group": {"log": {}}}
    for address, rules in (exemptions or {}).items():
        kind, _, name = address.partition(".")
        resources[kind][name] = {"//": {"exemptions": rules}}
    return {"resource": resources, "terraform": {"required_version": "~> 1.11"}}


def report(*findings: tuple[str, str]) -> dict[str, Any]:
    """checkov's report on sample-dev: (how it names the resource, the rule)."""
    failed = [
        {"resource": resource, "check_id": rule, "check_name": f"says {rule}", "file_path": f"/sample-dev/{FILE}"}
        for resource, rule in findings
    ]
    return {"results": {"failed_checks": failed}, "summary": {"passed": 7, "parsing_errors": 0}}


def test_what_has_no_exemption_fails():
    verdict = subtract(report(("aws_lb.load_balancer", "CKV_AWS_91")), {"sample-dev": document()})
    assert not verdict.fine
    assert verdict.failed == {OPEN: "says CKV_AWS_91"}
    assert verdict.passed == 7


def test_an_exemption_counts_at_its_own_resource_and_for_its_own_rule_only():
    found = report(("aws_lb.load_balancer", "CKV_AWS_91"))
    elsewhere = document({"aws_cloudwatch_log_group.log": {"CKV_AWS_91": "not what was found"}})
    another = document({"aws_lb.load_balancer": {"CKV_AWS_150": "not what was found"}})
    here = document({"aws_lb.load_balancer": {"CKV_AWS_91": "nobody uses it"}})
    assert set(subtract(found, {"sample-dev": elsewhere}).failed) == {OPEN}
    assert set(subtract(found, {"sample-dev": another}).failed) == {OPEN}
    verdict = subtract(found, {"sample-dev": here})
    assert verdict.fine
    assert verdict.exempted == {OPEN: "nobody uses it"}


def test_a_resource_named_without_its_type_is_found():
    exempted = document({"aws_cloudwatch_log_group.log": {"CKV_AWS_158": "encrypted by the service"}})
    verdict = subtract(report(("resource.log", "CKV_AWS_158")), {"sample-dev": exempted})
    assert verdict.exempted == {GROUP: "encrypted by the service"}


def test_an_exemption_from_nothing_is_no_longer_true():
    stale = document({"aws_lb.load_balancer": {"CKV_AWS_91": "nobody uses it"}})
    verdict = subtract(report(), {"sample-dev": stale})
    assert not verdict.fine
    assert verdict.needless == {OPEN: "nobody uses it"}


def test_exemptions_from_other_rules_are_not_checkovs():
    refusals = document({"aws_lb.load_balancer": {"world-open-ingress": "it is for the world"}})
    assert subtract(report(), {"sample-dev": refusals}).needless == {}


def stack(folder: Path) -> Stack:
    (folder / FILE).write_text(json.dumps(document()))
    return Stack("sample-dev", "sample", "dev", folder, "eu-central-1", "111122223333", None)


def program(tmp_path: Path, script: str) -> Path:
    made = tmp_path / "checkov"
    made.write_text(f"#!/bin/sh\n{script}\n")
    made.chmod(made.stat().st_mode | stat.S_IXUSR)
    return made


def test_checkov_is_shown_the_resources_alone(tmp_path: Path):
    kept = tmp_path / "kept.json"
    fake = program(tmp_path, f"cp \"$2/sample-dev/{FILE}\" '{kept}'; echo '{json.dumps(report())}'")
    assert judge([stack(tmp_path)], executable=fake).fine
    assert list(json.loads(kept.read_text())) == ["resource"]


def test_a_missing_checkov_says_how_to_get_it(tmp_path: Path):
    with pytest.raises(OperatorError, match="make venv-checkov"):
        judge([stack(tmp_path)], executable=tmp_path / "nothing")


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("echo broken >&2; exit 3", "exit code 3:\nbroken"),
        ("echo no report", "not JSON"),
        ("""echo '{"results": {"failed_checks": []}, "summary": {"parsing_errors": 1}}'""", "could not read"),
        ("""echo '{"passed": 0, "failed": 0}'""", "could not read"),
    ],
)
def test_a_report_that_covers_nothing_is_not_taken_for_a_good_one(tmp_path: Path, script: str, message: str):
    with pytest.raises(OperatorError, match=message):
        judge([stack(tmp_path)], executable=program(tmp_path, script))
