"""A stack with protected data leaves the repository only after it was retired."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.retired_stacks import refuse_lost_stacks
from config.settings import ROOT, SettingsError

PROTECTED = {"resource": {"aws_db_instance": {"database": {"lifecycle": {"prevent_destroy": True}}}}}
FREE = {"resource": {"aws_db_instance": {"database": {}}}}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A repository with two environments and an empty list of retired stacks."""
    shutil.copytree(ROOT / "config" / "environments", tmp_path / "config" / "environments")
    (tmp_path / "config" / "retired_stacks.toml").write_text("[stacks]\n")
    return tmp_path


def generate(root: Path, stack: str, document: object) -> None:
    folder = root / "generated" / "stacks" / stack
    folder.mkdir(parents=True)
    (folder / "cdk.tf.json").write_text(document if isinstance(document, str) else json.dumps(document))


def record(root: Path, deployment: str, environment: str, *addresses: str) -> None:
    file = root / "deployments" / deployment / "addresses" / f"{environment}.txt"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("".join(f"{address}\n" for address in addresses))


def retire(root: Path, line: str) -> None:
    (root / "config" / "retired_stacks.toml").write_text(f"[stacks]\n{line}\n")


def refusals(root: Path, *stacks: str) -> list[str]:
    with pytest.raises(SettingsError) as refused:
        refuse_lost_stacks(stacks, root=root)
    return [str(problem) for problem in refused.value.problems]


def test_a_generated_stack_that_prevents_destruction_is_not_dropped(root: Path) -> None:
    generate(root, "uploads-prod", PROTECTED)
    (refusal,) = refusals(root)
    assert refusal.startswith("generated/stacks/uploads-prod/cdk.tf.json: uploads-prod holds protected data")
    assert "config/retired_stacks.toml: docs/retire-a-stack.md" in refusal


def test_a_damaged_stack_is_not_dropped(root: Path) -> None:
    generate(root, "uploads-prod", "{")
    assert len(refusals(root)) == 1


def test_a_recorded_address_outlives_the_folder_of_its_stack(root: Path) -> None:
    record(root, "big_uploads", "prod", "aws_s3_bucket.files")
    (refusal,) = refusals(root)
    assert refusal.startswith("deployments/big_uploads/addresses/prod.txt: big-uploads-prod holds protected data")


def test_a_record_of_an_environment_that_is_gone_counts_as_protected(root: Path) -> None:
    record(root, "uploads", "staging", "aws_s3_bucket.files")
    assert "uploads-staging holds protected data" in refusals(root)[0]


def test_a_stack_that_has_settings_or_was_retired_or_protects_nothing_is_no_loss(root: Path) -> None:
    generate(root, "uploads-prod", PROTECTED)
    record(root, "uploads", "prod", "aws_s3_bucket.files")
    refuse_lost_stacks(["uploads-prod"], root=root)
    retire(root, 'uploads-prod = { on = 2026-11-28, reason = "moved to the archive" }')
    refuse_lost_stacks([], root=root)
    retire(root, "")
    shutil.rmtree(root / "generated")
    record(root, "uploads", "prod")
    generate(root, "uploads-dev", FREE)
    record(root, "uploads", "dev", "aws_s3_bucket.files")
    refuse_lost_stacks([], root=root)


def test_a_retired_stack_that_has_settings_again_is_refused(root: Path) -> None:
    retire(root, 'uploads-prod = { on = 2026-11-28, reason = "moved to the archive" }')
    (refusal,) = refusals(root, "uploads-prod")
    assert refusal.startswith("config/retired_stacks.toml: stacks.uploads-prod: has settings")


@pytest.mark.parametrize(
    ("line", "key"),
    [
        ('uploads-prod = { on = 2026-11-28, reason = "gone" }', "stacks.uploads-prod.reason"),
        ('uploads-prod = { reason = "moved to the archive" }', "stacks.uploads-prod.on"),
        ('uploads-prod = "moved to the archive"', "stacks.uploads-prod"),
    ],
)
def test_a_line_without_a_day_or_a_reason_retires_nothing(root: Path, line: str, key: str) -> None:
    retire(root, line)
    assert refusals(root)[0].startswith(f"{root}/config/retired_stacks.toml: {key}")


def test_synth_and_both_checks_refuse_when_a_protected_stack_vanishes_and_change_nothing(tmp_path: Path) -> None:
    root = tmp_path / "quintet"
    left_out = shutil.ignore_patterns(".*", "tests", "docs", "bench", "__pycache__")
    shutil.copytree(ROOT, root, ignore=left_out)
    (root / "deployments/suai_cloud_app/environments/prod.toml").unlink()
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*") if "__pycache__" not in path.parts}
    for command in (["main.py"], ["-m", "operations", "settings", "check"], ["-m", "operations", "addresses", "check"]):
        done = subprocess.run([sys.executable, *command], cwd=root, capture_output=True, text=True, check=False)
        assert done.returncode == 1, command
        assert "suai-cloud-app-prod holds protected data and has no settings any more" in done.stderr
        assert done.stdout == ""
    after = {path: path.stat().st_mtime_ns for path in root.rglob("*") if "__pycache__" not in path.parts}
    assert {p: t for p, t in after.items() if p.is_file()} == {p: t for p, t in before.items() if p.is_file()}
