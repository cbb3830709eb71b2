"""`quintet roles`: lists and writes the policies of roles."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from operations import cli


def test_policies_are_listed_and_written_one_file_each(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "policies"
    assert cli.run(["roles", "suai-cloud-app-dev", "--json", "--write-to", str(folder)]) == 0
    listed = json.loads(capsys.readouterr().out)["policies"]
    assert {each["role"] for each in listed} == {"plan", "apply", "operate", "restore"}
    assert {file.stem for file in folder.iterdir()} == {each["policy"] for each in listed}
    for each in listed:
        document = json.loads((folder / f"{each['policy']}.json").read_text(encoding="utf-8"))
        assert len("".join(json.dumps(document).split())) == each["characters"]


def test_one_role_can_be_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["roles", "aquamark-dev", "--role", "plan", "--json"]) == 0
    assert {each["role"] for each in json.loads(capsys.readouterr().out)["policies"]} == {"plan"}


def test_a_role_that_was_not_recorded_is_answered_with_the_deployments_that_have_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.run(["roles", "aquamark-dev", "--role", "operate"]) == 1
    assert "There is such a role for: suai-cloud-app" in capsys.readouterr().err
