"""The sixth deployment of docs/new-deployment.md, built from the page's code blocks in a copy of the repository."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import ROOT
from emulator.server import Emulator
from operations.aws import Aws
from operations.review.addresses import read_document
from operations.stacks import read_stack

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("sixth-deployment")]
BLOCK = re.compile(r"^`([\w/.]+)`(?:, in `(\w+)`)?\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LEFT_OUT = (".venv", ".venv-*", ".git", ".runs", ".tools", ".cache", ".mypy_cache", ".hypothesis", "tests")
MOST_LINES = 80


def blocks() -> dict[str, str]:
    """The code blocks by the file they belong to."""
    return {file: text for file, _, text in BLOCK.findall((ROOT / "docs/new-deployment.md").read_text())}


def run(root: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sixth") / "quintet"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(*LEFT_OUT, ".terraform", "__pycache__"))
    for file, text in blocks().items():
        path = root / file
        if file == "config/registry.py":
            registry = path.read_text()
            before, entries = registry.split("DEPLOYMENTS = (\n")
            text = f"{before}DEPLOYMENTS = (\n{text}{entries}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for package in ("deployments/uploads", "deployments/uploads/day2"):
        (root / package / "__init__.py").touch()
    run(root, sys.executable, "main.py")
    run(root, sys.executable, "-m", "operations", "addresses", "record", "uploads")
    return root


def test_a_sixth_deployment_takes_at_most_eighty_lines() -> None:
    assert list(blocks()) == [
        "deployments/uploads/settings.py",
        "deployments/uploads/outputs.py",
        "deployments/uploads/stack.py",
        "deployments/uploads/environments/dev.toml",
        "deployments/uploads/day2/commands.py",
        "config/registry.py",
    ]
    written = [line for text in blocks().values() for line in text.splitlines() if line.strip()]
    assert len(written) <= MOST_LINES


def test_its_stack_is_what_was_asked_for(built: Path) -> None:
    resources = read_document(built / "generated/stacks/uploads-dev")["resource"]
    assert resources["aws_s3_bucket"]["files"]["bucket"] == "quintet-uploads-dev"
    assert resources["aws_dynamodb_table"]["table"]["name"] == "uploads-dev-files"
    assert set(resources["aws_subnet"]) == {f"network_{kind}_{zone}" for kind in ("public", "private") for zone in "ab"}
    outputs = read_document(built / "generated/stacks/uploads-dev")["output"]
    assert outputs["bucket"]["description"] == "Where files are kept"
    group = resources["aws_autoscaling_group"]["web"]
    assert (group["min_size"], group["max_size"]) == (1, 2)
    assert {"files_read_write_by_web", "table_read_write_by_web"} <= set(resources["aws_iam_role_policy"])
    assert "aws s3 cp s3://${aws_s3_bucket" in resources["aws_launch_template"]["web_launch_template"]["user_data"]
    backend = read_document(built / "generated/stacks/uploads-dev")["terraform"]["backend"]["s3"]
    assert backend["key"] == "dev/uploads/terraform.tfstate"


def test_its_settings_are_checked_like_all_others(built: Path, tmp_path: Path) -> None:
    file = built / "deployments/uploads/environments/dev.toml"
    good = file.read_text()
    file.write_text(good.replace("max_size = 2", "max_size = 0"))
    try:
        done = subprocess.run([sys.executable, "main.py"], cwd=built, capture_output=True, text=True, check=False)
    finally:
        file.write_text(good)
    assert done.returncode == 1
    assert "deployments/uploads/environments/dev.toml: fleet.max_size = 0" in done.stderr


def test_the_other_stacks_stay_as_they_are(built: Path) -> None:
    names = set(json.loads((built / "generated/manifest.json").read_text())["stacks"])
    others = {path.name for path in (ROOT / "generated/stacks").iterdir() if (path / "cdk.tf.json").is_file()}
    assert names == others | {"uploads-dev"}


def test_what_holds_its_data_is_recorded(built: Path) -> None:
    recorded = (built / "deployments/uploads/addresses/dev.txt").read_text().split()
    assert {"aws_s3_bucket.files", "aws_dynamodb_table.table"} <= set(recorded)
    run(built, sys.executable, "-m", "operations", "addresses", "check", "uploads")


def test_its_command_reads_the_outputs_of_the_applied_stack(built: Path, emulator: Emulator) -> None:
    stack = read_stack(built / "generated/stacks/uploads-dev")
    environment = emulator.environment(account_id=stack.account_id, region=stack.region)
    s3 = Aws(environment).client("s3", region=stack.region)
    s3.create_bucket(Bucket=stack.state.bucket, CreateBucketConfiguration={"LocationConstraint": stack.state.region})
    outputs = {"outputs": {"bucket": {"value": "quintet-uploads-dev", "type": "string"}}}
    s3.put_object(Bucket=stack.state.bucket, Key=stack.state.key, Body=json.dumps(outputs).encode())
    command = [sys.executable, "-m", "operations", "uploads", "--environment", "dev"]
    done = subprocess.run(
        command, cwd=built, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "quintet-uploads-dev\n"), done.stderr


def test_deleting_it_takes_its_folder_and_its_line_and_leaves_no_trace(built: Path, tmp_path: Path) -> None:
    root = tmp_path / "quintet"
    shutil.copytree(built, root)
    shutil.rmtree(root / "deployments/uploads")
    registry = root / "config/registry.py"
    registry.write_text(registry.read_text().replace(blocks()["config/registry.py"], ""))
    run(root, sys.executable, "main.py")
    for command in (("settings", "check"), ("addresses", "check")):
        run(root, sys.executable, "-m", "operations", *command)
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    changed = [
        name for name in tracked if (root / name).is_file() and (root / name).read_bytes() != (ROOT / name).read_bytes()
    ]
    assert changed == []
    left = [path for path in root.rglob("*uploads*") if "__pycache__" not in path.parts]
    assert left == []


def test_its_code_passes_the_checks_of_the_repository(built: Path) -> None:
    run(built, sys.executable, "-m", "ruff", "check", "--no-cache", "deployments/uploads", "config/registry.py")
    run(
        built,
        sys.executable,
        "-m",
        "ruff",
        "format",
        "--no-cache",
        "--check",
        "deployments/uploads",
        "config/registry.py",
    )
