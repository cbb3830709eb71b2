from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from operations.cli import run
from operations.plans.planning import Planned, Planning
from operations.plans.record import FILE, PlannedStack, RunRecord, find_run, read_record
from operations.plans.report.model import StackReport
from tests.operations.plans.plan_support import recorded, report_of, stack_report

FAILED = StackReport("broken-test", "test", failure="no")


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Makes the commands report on these stacks, whatever is asked for."""
    for name in ("report.md", "report.html"):
        (tmp_path / name).write_text(name)

    def make(*stacks: StackReport) -> None:
        def answer(self: Planning, console: object) -> Planned:
            return Planned(tmp_path, report_of(*stacks), self.drift)

        monkeypatch.setattr(Planning, "run", answer)

    return make


@pytest.mark.parametrize(
    ("command", "plans", "code"),
    [
        ("plan", ["empty"], 0),
        ("plan", ["empty", "everything"], 2),
        ("plan", ["create"], 2),
        ("drift", ["empty"], 0),
        ("drift", ["create"], 0),
        ("drift", ["empty", "drift"], 2),
    ],
)
def test_exit_codes_are_terraforms(planned: Any, command: str, plans: list[str], code: int) -> None:
    planned(*(stack_report(recorded(name)) for name in plans))
    assert run([command]) == code


@pytest.mark.parametrize("command", ["plan", "drift"])
def test_a_failed_stack_is_a_failure_whatever_the_others_do(planned: Any, command: str) -> None:
    planned(stack_report(recorded("everything")), FAILED)
    assert run([command]) == 1


def test_findings_fail_only_where_it_is_asked_for(planned: Any, capsys: pytest.CaptureFixture[str]) -> None:
    planned(stack_report(recorded("everything")))
    assert run(["plan", "--fail-on", "protection-lost"]) == 2
    capsys.readouterr()
    assert run(["plan", "--fail-on", "protection-lost", "--fail-on", "iam-wildcard"]) == 1
    assert capsys.readouterr().err == "example-test: aws_iam_role_policy.web allows s3:* [iam-wildcard]\n"
    assert run(["plan", "--fail-on", "all"]) == 1


def test_a_policy_that_does_not_exist_is_refused_before_anything_is_planned(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["plan", "--fail-on", "iam-wildcards"]) == 1
    assert "No policy is called iam-wildcards.\nThere are: data-destroyed, " in capsys.readouterr().err


def test_the_report_is_put_where_it_is_asked_for(
    planned: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    planned(stack_report(recorded("everything")))
    run(["plan", "--report-to", str(tmp_path / "out")])
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["report.html", "report.md", "run.txt"]
    assert f"quintet apply {tmp_path.name}" in capsys.readouterr().out


@pytest.mark.parametrize(("place", "code"), [("file", 2), ("file/folder", 1)])
def test_a_report_that_cannot_be_put_there_is_refused_before_anything_is_planned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], place: str, code: int
) -> None:
    (tmp_path / "file").touch()
    assert run(["plan", "--report-to", str(tmp_path / place)]) == code
    assert str(tmp_path / place) in capsys.readouterr().err


def test_an_unknown_run_is_answered_with_the_latest_plans(tmp_path: Path) -> None:
    record = RunRecord(purpose="plan", terraform="1.11.4", stacks=(PlannedStack(name="a-dev", outcome="failed"),))
    for name in ("20260101-000000-plan-1", "20260102-000000-plan-2"):
        (tmp_path / ".runs" / name).mkdir(parents=True)
        record.save(tmp_path / ".runs" / name)
    (tmp_path / ".runs" / "20260103-000000-drift-3").mkdir()
    record.model_copy(update={"purpose": "drift"}).save(tmp_path / ".runs" / "20260103-000000-drift-3")
    assert read_record(find_run(tmp_path, "20260101-000000-plan-1")) == record
    for name in ("20260103", "../elsewhere", ""):
        with pytest.raises(Exception, match="The latest: 20260102-000000-plan-2, 20260101-000000-plan-1"):
            find_run(tmp_path, name)


def test_a_damaged_record_is_refused(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"purpose": "plan"}')
    with pytest.raises(Exception, match="is damaged"):
        read_record(tmp_path)
