"""`quintet --version` names everything that decides a run, with Git and without."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from config.locked_provider import locked_provider_version
from config.settings import ROOT
from operations.version import version_lines


def test_the_version_names_commit_terraform_provider_and_bindings() -> None:
    quintet, terraform, provider, bindings = version_lines(ROOT)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert quintet.startswith("quintet 0.")
    assert f"commit {head[:12]}" in quintet
    assert terraform == f"terraform {(ROOT / '.terraform-version').read_text().strip()}"
    assert provider == f"provider hashicorp/aws {locked_provider_version(ROOT)}"
    assert "cdktf 0." in bindings
    assert "jsii 1." in bindings


def test_a_commit_with_changes_says_so(tmp_path: Path) -> None:
    git = ["git", "-c", "user.name=x", "-c", "user.email=x@example.org", "-C", str(tmp_path)]
    (tmp_path / "file").write_text("1")
    for words in (["init", "-q"], ["add", "file"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True)
    assert "uncommitted" not in next(version_lines(tmp_path))
    (tmp_path / "file").write_text("2")
    assert next(version_lines(tmp_path)).endswith(", with uncommitted changes")


def test_without_a_repository_the_commit_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    lines = list(version_lines(tmp_path))
    assert lines[0].endswith("commit unknown")
    assert lines[1:3] == ["terraform unknown", "provider hashicorp/aws unknown"]


def test_without_git_the_command_prints_the_other_versions() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "operations", "--version"],
        cwd=ROOT,
        env={**os.environ, "PATH": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "commit unknown\nterraform 1." in done.stdout
