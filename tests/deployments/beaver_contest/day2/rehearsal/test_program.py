"""The rehearsed program needs of a bundle and of a migration what upstream's needs."""

from __future__ import annotations

from pathlib import Path

from deployments.beaver_contest.day2.migrations import revisions
from deployments.beaver_contest.day2.rehearsal.checks import PROGRAM
from deployments.beaver_contest.runtime.bundle import build


def test_every_kind_of_change_is_needed_and_nothing_is_missing(tmp_path: Path) -> None:
    bundle = build(PROGRAM, tmp_path)
    assert [line.split(":")[0] for line in bundle.told if line.startswith("M") and line[1].isdigit()] == [
        "M1",
        "M2",
        "M3",
        "M4",
    ]
    assert not [line for line in bundle.told if line.startswith("Missing")]
    assert (bundle.stage / "quintet/tasks").read_text() == "teacherInterface/bebras-tasks\n"


def test_its_revisions_lack_the_column_that_closing_writes() -> None:
    (base,) = revisions(PROGRAM)
    assert not [statement for statement in base.statements if "tmpScore" in statement]
