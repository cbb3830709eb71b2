"""Workflows that run here and those that readers copy: zizmor finds nothing in them, and images are pinned by digest."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from config.settings import ROOT

ZIZMOR = Path(sys.executable).with_name("zizmor")
GITLAB = sorted((ROOT / "docs" / "examples" / "gitlab").glob("*.yml"))
WORKFLOWS = sorted(
    file
    for folder in (ROOT / ".github" / "workflows", ROOT / "docs" / "examples")
    for file in folder.rglob("*.yml")
    if file not in GITLAB
)


def findings(*files: Path) -> subprocess.CompletedProcess[str]:
    """zizmor's verdict at its strictest. A missing zizmor fails: it is in requirements.lock."""
    command = [ZIZMOR, "--offline", "--persona=auditor", "--no-progress", "--no-config", "--strict-collection", *files]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_there_are_workflows_to_judge() -> None:
    assert [file.relative_to(ROOT).as_posix() for file in WORKFLOWS] == [
        ".github/workflows/test.yml",
        "docs/examples/github/apply.yml",
        "docs/examples/github/drift.yml",
        "docs/examples/github/plan.yml",
        "docs/examples/hcp/run.yml",
    ]


def test_zizmor_finds_nothing_in_any_workflow() -> None:
    done = findings(*WORKFLOWS)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No findings to report" in done.stdout + done.stderr
    assert not any("zizmor: ignore" in file.read_text(encoding="utf-8") for file in WORKFLOWS)


@pytest.mark.parametrize(
    ("good", "bad", "rule"),
    [
        (r"@[0-9a-f]{40} # \S+", "@v7", "unpinned-uses"),
        ("persist-credentials: false", "persist-credentials: true", "artipacked"),
        ("permissions: {}", "permissions: write-all", "excessive-permissions"),
        (r"run: \.ci/run", "run: echo ${{ github.head_ref }}", "template-injection"),
    ],
)
def test_zizmor_finds_what_a_reviewer_would_refuse(good: str, bad: str, rule: str, tmp_path: Path) -> None:
    text, count = re.subn(good, bad, (ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))
    assert count
    file = tmp_path / ".github" / "workflows" / "test.yml"
    file.parent.mkdir(parents=True)
    file.write_text(text, encoding="utf-8")
    done = findings(file)
    assert done.returncode > 10  # zizmor's codes for findings
    assert rule in done.stdout


def test_an_action_has_one_commit_and_one_version_in_all_workflows() -> None:
    text = "".join(file.read_text(encoding="utf-8") for file in WORKFLOWS)
    uses = re.findall(r"uses: (\S+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)", text)
    assert len(uses) == text.count("uses: ")
    assert len({action for action, _, _ in uses}) == len(set(uses))


@pytest.mark.parametrize("file", GITLAB, ids=lambda file: file.stem)
def test_an_image_for_gitlab_is_pinned_by_its_digest(file: Path) -> None:
    pipeline = yaml.safe_load(file.read_text(encoding="utf-8"))
    images = [part["image"] for part in pipeline.values() if isinstance(part, dict) and "image" in part]
    assert images
    assert all(re.fullmatch(r"\S+:[\w.-]+@sha256:[0-9a-f]{64}", image) for image in images)


def test_the_suite_runs_as_everywhere_with_the_whole_history() -> None:
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "test.yml").read_text(encoding="utf-8"))
    checkout, *_, last = workflow["jobs"]["test"]["steps"]
    assert checkout["with"]["fetch-depth"] == 0
    assert last == {"run": ".ci/run"}
