from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from deployments.aquamark.day2.rehearsal import surroundings
from operations.applied import Applied
from operations.demo.check import CheckContext
from operations.demo.rehearsals import Stage
from tests.operations.terraform_support import QUICK, write_stack


@pytest.mark.parametrize("used_afterwards", [True, False])
def test_what_is_committed_is_applied_again_where_somebody_uses_the_stack_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, used_afterwards: bool
) -> None:
    undone: list[str] = []
    monkeypatch.setattr(surroundings, "_let_master_in", lambda *_: None)
    monkeypatch.setattr(surroundings, "_delete_storage_keys", lambda _: undone.append("keys"))
    monkeypatch.setattr(surroundings, "_apply_what_is_committed", lambda _: undone.append("version"))
    context = CheckContext(Applied(write_stack(tmp_path / "root", QUICK), {}), aws=cast("Any", None))
    stage = Stage(
        context,
        tmp_path / "root",
        tmp_path / "behind.json",
        environment={},
        sleep=lambda _: None,
        keys_in_vpc=lambda *_: {},
        used_afterwards=used_afterwards,
    )
    with surroundings.surroundings(stage, cast("Any", None), None):
        assert undone == []
    assert undone == ["keys", *(["version"] if used_afterwards else [])]
