"""A third environment beside dev, in the same account: from its settings to its destruction, command by command."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.environment import load_environment
from config.limits import FACTS
from config.settings import ROOT
from emulator.server import Emulator
from synth.kept_files import cache_folders
from synth.kept_stacks import SWITCH

LEFT_OUT = (
    ".venv",
    ".venv-*",
    ".git",
    ".runs",
    ".tools",
    ".cache",
    ".mypy_cache",
    ".hypothesis",
    "tests",
    ".terraform",
)
BINDINGS = cache_folders("bindings")[0]
BOTH = ("suai-cloud-app-dev", "suai-cloud-app-trial")


class Checkout:
    """A copy of the repository whose commands talk to an emulator."""

    def __init__(self, root: Path, emulator: Emulator) -> None:
        self.root = root
        account = load_environment("dev").account_id
        region = "eu-central-1"
        self.environment = emulator.full_environment(account_id=account, region=region)
        self.environment.pop(SWITCH, None)  # synthesises what changed, as operators' commands do
        self.took: list[tuple[str, float]] = []

    def run(self, *command: str, code: int = 0) -> str:
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, *command], cwd=self.root, env=self.environment, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert done.returncode == code, f"{command}\n{done.stdout}{done.stderr}"
        self.took.append((" ".join(command).removeprefix("-m operations "), time.monotonic() - began))
        return done.stdout

    def quintet(self, *command: str, code: int = 0) -> str:
        return self.run("-m", "operations", *command, code=code)

    def apply(self, said: str, *options: str) -> None:
        """Apply the run that a plan has printed."""
        (name,) = re.findall(r"quintet apply (\S+)", said)
        self.quintet("apply", name, *options)


def copy(root: Path) -> Path:
    """A copy of the repository at `root`, with the bindings that its first synth would cut down anew."""
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(*LEFT_OUT, "__pycache__"))
    if BINDINGS.is_dir():
        shutil.copytree(BINDINGS, root / BINDINGS.relative_to(ROOT))
    return root


@pytest.fixture
def checkout(tmp_path: Path) -> Iterator[Checkout]:
    root = copy(tmp_path / "quintet")
    (root / ".tools").symlink_to(ROOT / ".tools")
    with Emulator.start(log=tmp_path / "emulator.log", facts=FACTS) as emulator:
        yield Checkout(root, emulator)


def resources(checkout: Checkout) -> dict[str, str]:
    """Stack → number of resources in its state."""
    said = "".join(checkout.quintet("state", "status", environment) for environment in ("dev", "trial"))
    return {line.split()[0]: line.split()[2] for line in said.splitlines() if line.startswith("suai-cloud-app-")}


@pytest.mark.terraform(minutes=10)
def test_a_third_environment_is_written_applied_and_destroyed_beside_dev_which_stays(checkout: Checkout) -> None:
    checkout.quintet("new", "environment", "trial", "--from", "dev", "--deployment", "suai")
    checkout.run("main.py")
    checkout.quintet("settings", "check")
    for environment in ("dev", "trial"):
        checkout.quintet("state", "bootstrap", environment)
    checkout.apply(checkout.quintet("plan", *BOTH, code=2))
    checkout.quintet("plan", *BOTH)
    applied = resources(checkout)
    assert applied["suai-cloud-app-dev"] == applied["suai-cloud-app-trial"] != "0"
    checkout.apply(checkout.quintet("destroy", "suai-cloud-app-trial", code=2))
    checkout.quintet("drift", "suai-cloud-app-dev")
    assert resources(checkout) == {**applied, "suai-cloud-app-trial": "0"}
    lines = (f"{seconds:6.1f} s  {command}" for command, seconds in checkout.took)
    sys.stdout.write("\n".join(lines))


@pytest.mark.slow
def test_a_name_that_a_document_fixes_is_refused_a_second_time_in_an_account_and_no_file_remains(
    tmp_path: Path,
) -> None:
    root = copy(tmp_path / "quintet")
    command = [sys.executable, "-m", "operations", "new", "environment", "trial", "--deployment", "canvas"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert 'would both be called "CD2RefreshStateMachine" in us-east-1 of 111122223333' in done.stderr
    assert "--account ID, or --deployment NAME for others" in done.stderr
    assert not list(root.rglob("trial.toml"))
    assert subprocess.run([*command, "--account", "999988887777"], cwd=root, check=False).returncode == 0
