from __future__ import annotations

import pytest

from operations.terraform import runs_at_once


@pytest.mark.parametrize(("cores", "runs_of_memory", "expected"), [(2, 100, 8), (16, 100, 64), (8, 3, 3), (1, 0, 1)])
def test_cores_and_memory_bound_the_runs_at_once(
    monkeypatch: pytest.MonkeyPatch, cores: int, runs_of_memory: int, expected: int
) -> None:
    monkeypatch.setattr(runs_at_once, "cores", lambda: cores)
    monkeypatch.setattr(runs_at_once, "available_bytes", lambda: runs_of_memory * runs_at_once.RUN_BYTES)
    assert runs_at_once.runs_at_once() == expected


def test_this_machine_carries_at_least_one() -> None:
    assert runs_at_once.runs_at_once() >= 1
