"""A run is applied only as it was written, by whoever wrote it, and data is lost only by consent."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from operations.errors import OperatorError
from operations.plans.applying import _losses
from operations.plans.record import PlannedStack, RunRecord, read_record, untrusted
from tests.operations.plans.plan_support import change, plan_of

RECORD = RunRecord(
    purpose="plan",
    terraform="1.11.4",
    stacks=(PlannedStack(name="a-dev", outcome="changes", plan="1", committed={"b": "2", "a": "1"}),),
)


def test_how_far_a_run_was_applied_may_change_and_nothing_else(tmp_path: Path) -> None:
    RECORD.save(tmp_path)
    read_record(tmp_path).with_progress("a-dev", "applied").save(tmp_path)
    assert read_record(tmp_path).stacks[0].progress == "applied"
    text = (tmp_path / "run.json").read_text()
    for before, after in (('"changes"', '"no changes"'), ('"plan": "1"', '"plan": "2"'), ('"1.11.4"', '"1.11.5"')):
        assert before in text
        (tmp_path / "run.json").write_text(text.replace(before, after, 1))
        with pytest.raises(OperatorError, match="was edited"):
            read_record(tmp_path)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "run"
    (folder / "a-dev").mkdir(parents=True)
    folder.chmod(0o700)
    for name in ("run.json", "a-dev/plan", "a-dev/plan.json", "a-dev/.terraform.lock.hcl"):
        (folder / name).write_text("x")
    return folder


def test_what_was_written_here_is_trusted(folder: Path) -> None:
    assert list(untrusted(folder, "a-dev")) == []


@pytest.mark.parametrize("name", ["run.json", "a-dev", "a-dev/plan", "a-dev/plan.json", "a-dev/.terraform.lock.hcl"])
def test_a_link_is_refused(folder: Path, tmp_path: Path, name: str) -> None:
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    assert [f"{folder / name} is a link" in line for line in untrusted(folder, "a-dev")] == [True]


def test_a_folder_that_others_may_write_to_is_refused(folder: Path) -> None:
    folder.chmod(0o770)
    (line,) = untrusted(folder, "a-dev")
    assert "may be written by others (mode 770)" in line


def test_what_belongs_to_another_user_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert len(list(untrusted(folder, "a-dev"))) == 6


def losses(folder: Path, plan: dict[str, Any]) -> list[tuple[str, str]]:
    (folder / "plan.json").write_text(json.dumps(plan))
    return [(change.address, becomes) for change, becomes in _losses(folder)]


def test_data_is_lost_by_being_destroyed_forgotten_or_created_anew(tmp_path: Path) -> None:
    table, topic = "aws_dynamodb_table.t", "aws_sns_topic.t"
    forget = {"actions": ["forget"]}
    gone = change(table, {"id": "x"}, None)
    assert losses(tmp_path, plan_of(gone, change(topic, {"id": "x"}, None))) == [(table, "would be destroyed")]
    assert losses(tmp_path, plan_of(change(table, {"id": "x"}, None, **forget), change(topic, {}, None, **forget))) == [
        (table, "would be forgotten: it goes on to exist, and no state knows it")
    ]
    created = change(table, None, {"id": "x"})
    assert losses(tmp_path, plan_of(created, drift=(gone,))) == [
        (table, "was not found: it would be created anew, empty")
    ]
    assert losses(tmp_path, plan_of(created)) == []
    assert losses(tmp_path, plan_of(drift=(gone,))) == []
