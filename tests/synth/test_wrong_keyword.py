"""A wrong keyword in a deployment is one line with its place."""

from __future__ import annotations

import pytest

import main


def test_a_wrong_keyword_is_one_line_with_its_file_and_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from modules.naming import physical_name

    def finish(*_: object) -> None:
        physical_name("a", longest=3)  # type: ignore[call-arg]

    monkeypatch.setattr(main, "finish", finish)
    assert main.main(["--no-cache", "aquamark-dev"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Refused, nothing was written: tests/synth/test_wrong_keyword.py:16: physical_name() got an")
