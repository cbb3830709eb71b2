"""Files for those who contribute: the commands and paths they name exist."""

from __future__ import annotations

import re
import shlex
import subprocess

import pytest
import yaml

from config.settings import ROOT
from tests.policies.test_documents import command_exists

HOOKS = [
    hook
    for repository in yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    for hook in repository["hooks"]
]


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_a_hook_before_a_commit_runs_a_command_of_the_project(hook: dict[str, str]) -> None:
    program, *words = shlex.split(hook["entry"])
    assert hook["language"] == "system"
    match program:
        case ".venv/bin/quintet":
            assert command_exists(words)
        case ".venv/bin/python":
            assert (ROOT / words[0]).is_file()
        case ".venv/bin/ruff":
            subprocess.run([ROOT / program, *words, "main.py", "--diff"], cwd=ROOT, check=True, capture_output=True)
        case _:
            pytest.fail(f"{program} is no program of the project")


def test_files_of_a_hook_are_matched_by_a_pattern_that_finds_some() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for hook in HOOKS:
        assert any(re.search(hook.get("files", ""), name) for name in listed), hook["id"]


def test_paths_that_an_owner_would_own_exist() -> None:
    paths = re.findall(r"^# (/\S+) +@OWNER$", (ROOT / ".github/CODEOWNERS").read_text(), re.MULTILINE)
    assert len(paths) > 3
    assert [path for path in paths if not [*ROOT.glob(path.strip("/"))]] == []


def test_templates_of_issues_are_forms_with_unique_ids() -> None:
    forms = [path for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml"]
    for path in forms:
        form = yaml.safe_load(path.read_text())
        ids = [part["id"] for part in form["body"] if part["type"] != "markdown"]
        assert {"name", "description", "body"} <= form.keys()
        assert len(ids) == len(set(ids)) > 1
    assert len(forms) == 2
