"""The record of a run holds every committed file, so that none can change between review and apply."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from config.settings import ROOT
from operations.plans.record import committed_files
from operations.stacks import Stack, find_stacks, only

STACKS = find_stacks(ROOT)


@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)
def test_a_record_names_every_file_that_git_has_of_the_stack(stack: Stack) -> None:
    listed = subprocess.run(["git", "ls-files", "."], cwd=stack.folder, capture_output=True, text=True, check=True)
    assert set(listed.stdout.splitlines()) <= set(committed_files(stack))


def test_a_changed_user_data_changes_the_record(tmp_path: Path) -> None:
    folder = tmp_path / "aquamark-dev"
    shutil.copytree(only(STACKS, "aquamark-dev").folder, folder, ignore=shutil.ignore_patterns(".terraform"))
    stack = replace(only(STACKS, "aquamark-dev"), folder=folder)
    before = committed_files(stack)
    with (folder / "user_data.sh").open("a") as script:
        script.write("reboot\n")
    after = committed_files(stack)
    assert {name for name in after if after[name] != before[name]} == {"user_data.sh"}


def test_terraforms_own_files_are_not_recorded(tmp_path: Path) -> None:
    for name in ("cdk.tf.json", "plan", ".terraform/modules.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("{}")
    assert list(committed_files(replace(STACKS[0], folder=tmp_path))) == ["cdk.tf.json"]
