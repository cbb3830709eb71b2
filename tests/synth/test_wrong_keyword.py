"""A wrong keyword, name or type in a deployment is one line with its place."""

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


def test_a_wrong_type_is_one_line_with_its_key(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def finish(*_: object) -> None:
        from cdktf import App, TerraformStack
        from cdktf_cdktf_provider_aws.sns_topic import SnsTopic

        SnsTopic(TerraformStack(App(), "stack"), "topic", name=[1])  # type: ignore[arg-type]

    monkeypatch.setattr(main, "finish", finish)
    assert main.main(["--no-cache", "aquamark-dev"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Refused, nothing was written: tests/synth/test_wrong_keyword.py:31: ")
    assert "; Key 'name': Unable to deserialize value as string" in line


def test_a_wrong_name_of_a_setting_is_one_line_with_its_file_and_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from config.components import AlarmSettings

    def finish(*_: object) -> None:
        AlarmSettings().email  # type: ignore[attr-defined]  # noqa: B018

    monkeypatch.setattr(main, "finish", finish)
    assert main.main(["--no-cache", "aquamark-dev"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("Refused, nothing was written: tests/synth/test_wrong_keyword.py:46: 'AlarmSettings' object")
