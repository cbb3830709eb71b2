"""Old runs go, but for what somebody still needs."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

from operations.terraform import prune
from operations.terraform.prune import prune_runs
from operations.terraform.under_way import ApplyRecord, applies_under_way

DAY = 86400
NOW = 1_800_000_000.0


def run(runs: Path, number: int, *, days: float) -> Path:
    folder = runs / f"20260101-{number:06}-plan-1"
    (folder / "a-dev").mkdir(parents=True)
    (folder / "a-dev" / "plan").write_text("secret")
    (folder / "run.json").write_text("{}")
    os.utime(folder, (NOW - days * DAY, NOW - days * DAY))
    return folder


def names(runs: Path) -> set[str]:
    return {str(path.relative_to(runs)) for path in runs.rglob("*") if path.is_file()}


def test_old_runs_go_and_before_them_their_plans(tmp_path: Path) -> None:
    new, older, oldest = run(tmp_path, 3, days=1), run(tmp_path, 2, days=8), run(tmp_path, 1, days=31)
    (tmp_path / "init.lock").write_text("")
    (tmp_path / "of-mine").mkdir()
    prune_runs(tmp_path, now=NOW)
    assert names(tmp_path) == {"init.lock", f"{new.name}/a-dev/plan", f"{new.name}/run.json", f"{older.name}/run.json"}
    assert not oldest.exists()
    assert (tmp_path / "of-mine").exists()


def test_of_many_runs_the_newest_stay(tmp_path: Path) -> None:
    folders = [run(tmp_path, number, days=2) for number in range(prune.RUNS_KEPT + 3)]
    prune_runs(tmp_path, now=NOW)
    assert [folder.exists() for folder in folders] == [False] * 3 + [True] * prune.RUNS_KEPT


def test_a_state_that_was_not_saved_and_an_apply_under_way_keep_their_run(tmp_path: Path) -> None:
    unsaved, working, ended = (run(tmp_path / ".runs", number, days=400) for number in range(3))
    (unsaved / "a-dev" / "errored.tfstate").write_text("{}")
    mine = ApplyRecord.of_process("a-dev", os.getpid(), {})
    (working / "a-dev" / "apply.json").write_text(mine.model_dump_json())
    reused = ApplyRecord(stack="a-dev", pid=os.getpid(), started="before", endpoint="", began=datetime.now(UTC))
    (ended / "a-dev" / "apply.json").write_text(reused.model_dump_json())
    for folder in (unsaved, working, ended):
        os.utime(folder, (NOW - 400 * DAY, NOW - 400 * DAY))
    assert [apply.directory for apply in applies_under_way(tmp_path, {})] == [working / "a-dev"]
    assert list(applies_under_way(tmp_path, {"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})) == []
    prune_runs(tmp_path / ".runs", now=NOW)
    assert (unsaved.exists(), working.exists(), ended.exists()) == (True, True, False)
