"""`generated/` is what main.py writes: the same stacks, the same files, the same bytes, wherever and whenever."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import ROOT
from config.stack_settings import load_all
from operations.review.addresses import read_document
from operations.stacks import find_stacks

pytestmark = pytest.mark.xdist_group("generated")  # synthesised once
GENERATED = ROOT / "generated"
MEND = "generated/ is not what main.py writes: run make synth, review the difference and commit it"


def files_in(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".terraform" not in path.parts
    }


def synthesise(root: Path, output: Path, **environment: str) -> None:
    variables = {**os.environ, "CDKTF_OUTDIR": str(output), **environment}
    done = subprocess.run(
        [sys.executable, root / "main.py", "--no-cache"], cwd=root.parent, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synth into a folder whose every file was edited, with files besides that are nobody's or Terraform's."""
    output = tmp_path_factory.mktemp("fresh") / "generated"
    shutil.copytree(GENERATED, output, ignore=shutil.ignore_patterns(".terraform"))
    for path in output.rglob("*"):
        if path.is_file():
            path.write_text("edited by hand")
    stack = first_stack(output)
    (output / "stacks" / "gone-dev").mkdir()
    (output / "stacks" / "gone-dev" / "cdk.tf.json").write_text("{}")
    (stack / "leftover.sh").write_text("old")
    (stack / ".terraform").mkdir()
    (stack / ".terraform" / "kept").write_text("provider")
    synthesise(ROOT, output)
    return output


def first_stack(generated: Path) -> Path:
    return min(path for path in (generated / "stacks").iterdir() if path.name != "gone-dev")


def test_generated_equals_a_fresh_synth(fresh: Path) -> None:
    wanted, committed = files_in(fresh), files_in(GENERATED)
    assert sorted(wanted) == sorted(committed), MEND
    assert [name for name in wanted if wanted[name] != committed[name]] == [], MEND


@pytest.mark.slow
def test_another_place_clock_and_environment_give_the_same_bytes(fresh: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "another place"
    shutil.copytree(
        ROOT, elsewhere, ignore=lambda _, names: [n for n in names if n.startswith((".venv", ".git", ".runs", ".tools", ".cache", ".mypy", "generated"))]
    )  # fmt: skip
    shutil.copy(ROOT / ".gitignore", elsewhere)
    for path in elsewhere.rglob("*.py"):
        os.utime(path, (86400, 86400))
    synthesise(
        elsewhere, tmp_path / "out",
        TZ="Pacific/Kiritimati", LANG="tr_TR.UTF-8", PYTHONHASHSEED="7", HOME=str(tmp_path), USER="nobody",
        AWS_REGION="us-west-2", AWS_PROFILE="other", CDKTF_CONTEXT_JSON='{"excludeStackIdFromLogicalIds": true}',
    )  # fmt: skip
    assert files_in(tmp_path / "out") == files_in(fresh)


def test_every_deployment_in_every_environment_has_its_stack() -> None:
    assert {stack.name for stack in find_stacks(ROOT)} == {plan.stack_name for plan in load_all()}


def test_what_is_gone_is_pruned_and_what_terraform_keeps_stays(fresh: Path) -> None:
    stack = first_stack(fresh)
    assert not (fresh / "stacks" / "gone-dev").exists()
    assert not (stack / "leftover.sh").exists()
    assert (stack / ".terraform" / "kept").read_text() == "provider"


def test_every_stack_pins_terraform_and_the_provider_it_was_generated_for() -> None:
    for stack in find_stacks(ROOT):
        document = read_document(stack.folder)
        version = (ROOT / ".terraform-version").read_text().strip()
        assert document["terraform"]["required_version"] == f"~> {version}"
        version = document["terraform"]["required_providers"]["aws"]["version"]
        lock = (stack.folder / ".terraform.lock.hcl").read_text()
        assert f'version     = "{version}"' in lock


def test_every_stack_keeps_its_state_in_s3_under_a_lock_and_knows_its_account() -> None:
    for plan in load_all():
        document = read_document(GENERATED / "stacks" / plan.stack_name)
        backend = document["terraform"]["backend"]["s3"]
        assert backend["bucket"] == plan.environment.state.bucket
        assert backend["key"] == f"{plan.environment.name}/{plan.deployment.name}/terraform.tfstate"
        assert backend["dynamodb_table"] == plan.environment.state.lock_table
        assert backend["encrypt"] is True
        for provider in document["provider"]["aws"]:
            assert provider["allowed_account_ids"] == [plan.environment.account_id]


def test_every_stack_refuses_to_run_where_its_state_is_not_kept() -> None:
    for stack in find_stacks(ROOT):
        variable = read_document(stack.folder)["variable"]["TFC_RUN_ID"]
        validation, *others = variable["validation"]
        assert variable["default"] == ""  # nobody is asked for it
        assert validation["condition"] == f'${{var.TFC_RUN_ID {"!=" if stack.backend is None else "=="} ""}}'
        # HCP Terraform has workspaces of its own
        assert ['terraform.workspace == "default"' in other["condition"] for other in others] == [True] * (stack.backend is not None)


def test_every_lock_file_serves_hcp_terraform_and_macs() -> None:
    for stack in find_stacks(ROOT):
        lock = (stack.folder / ".terraform.lock.hcl").read_text()
        # one h1 hash for each of linux_amd64, darwin_amd64 and darwin_arm64
        assert lock.count('"h1:') == 3


def test_no_stack_reads_another_or_asks_aws_while_planning() -> None:
    for stack in find_stacks(ROOT):
        document = read_document(stack.folder)
        assert "terraform_remote_state" not in document.get("data", {})
        assert not document.get("data"), "data sources make a plan depend on the day it runs"
        assert not [name for name in document.get("output", {}) if name.startswith("cross-stack-output")]


def test_addresses_have_no_generated_hashes() -> None:
    import re

    for stack in find_stacks(ROOT):
        for resources in read_document(stack.folder)["resource"].values():
            assert not [name for name in resources if re.search(r"_[0-9A-F]{8}$", name)]
