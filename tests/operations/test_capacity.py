from __future__ import annotations

import pytest

from operations import capacity


@pytest.mark.parametrize(("cores", "runs_of_memory", "expected"), [(2, 100, 8), (16, 100, 64), (8, 3, 3), (1, 0, 1)])
def test_cores_and_memory_bound_the_runs_at_once(
    monkeypatch: pytest.MonkeyPatch, cores: int, runs_of_memory: int, expected: int
) -> None:
    monkeypatch.setattr(capacity, "_cores", lambda: cores)
    monkeypatch.setattr(capacity, "available_bytes", lambda: runs_of_memory * capacity.RUN_BYTES)
    assert capacity.runs_at_once() == expected


def test_this_machine_carries_at_least_one() -> None:
    assert capacity.runs_at_once() >= 1
