"""Committed stacks that are not what the code and the settings say are named, at the cost of one synth per state of the code."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from operations.errors import OperatorError
from operations.plans.fresh_synth import SCRIPT, FreshSynth, fresh_synth

SETTINGS = "deployments/one/environments/dev.toml"


class Repository:
    """A repository whose script, in place of a synth, gives each stack its settings file's content."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.runs = 0
        self.write(SCRIPT, "")
        self.write(SETTINGS, "size = 1")
        self.write("generated/stacks/one-dev/cdk.tf.json", "size = 1")

    def write(self, name: str, text: str) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_text(text)

    def capture(self, command: Sequence[str]) -> tuple[int, str, str]:
        assert command[-1] == str(self.root / SCRIPT)
        self.runs += 1
        content = (self.root / SETTINGS).read_bytes()
        if content == b"refused":
            return 1, "", "size is not a number\n"
        files = {"one-dev": {"cdk.tf.json": hashlib.sha256(content).hexdigest()}}
        return 0, json.dumps({"sources": {"one-dev/web": ["stack.py:1"]}, "files": files}), ""

    def stale(self) -> list[str]:
        return fresh_synth(self.root, self.capture).stale_stacks(self.root)


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_a_fresh_stack_is_not_stale_and_what_terraform_keeps_beside_it_does_not_count(repository: Repository) -> None:
    repository.write("generated/stacks/one-dev/.terraform/providers/x", "x")
    repository.write("generated/stacks/one-dev/terraform.tfstate", "x")
    assert repository.stale() == []


def test_edited_settings_make_their_stack_stale_until_it_is_written_again(repository: Repository) -> None:
    repository.write(SETTINGS, "size = 2")
    assert repository.stale() == ["one-dev"]
    repository.write("generated/stacks/one-dev/cdk.tf.json", "size = 2")
    assert repository.stale() == []


def test_a_file_too_many_a_missing_stack_and_one_that_should_be_gone_are_stale(repository: Repository) -> None:
    repository.write("generated/stacks/one-dev/more.json", "{}")
    repository.write("generated/stacks/two-dev/cdk.tf.json", "{}")
    assert repository.stale() == ["one-dev", "two-dev"]
    (repository.root / "generated/stacks/one-dev/cdk.tf.json").unlink()
    assert repository.stale() == ["one-dev", "two-dev"]


@pytest.mark.parametrize("file", [SETTINGS, "modules/fleet.py", "deployments/one/runtime/boot.sh", "requirements.lock"])
def test_it_synthesises_once_for_each_state_of_what_decides_it(repository: Repository, file: str) -> None:
    repository.stale()
    repository.stale()
    assert repository.runs == 1
    repository.write(file, "something else")
    repository.stale()
    assert repository.runs == 2
    repository.write("docs/plans.md", "prose")
    repository.stale()
    assert repository.runs == 2


def test_what_the_synth_refuses_is_said_in_its_words(repository: Repository) -> None:
    repository.write(SETTINGS, "refused")
    with pytest.raises(OperatorError, match="cannot be written as the settings are now:\nsize is not a number"):
        repository.stale()


def test_a_repository_without_the_script_has_nothing_to_compare(tmp_path: Path) -> None:
    assert fresh_synth(tmp_path) == FreshSynth()
    assert FreshSynth().stale_stacks(tmp_path) == []
