"""Import contracts: kept by the code, and broken by each kind of violation."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from config.settings import ROOT

PACKAGES = ("config", "deployments", "emulator", "iam", "modules", "operations", "synth")

VIOLATIONS = [
    ("modules/naming.py", "import deployments.suai_cloud_app.stack", "deployments stand on modules"),
    ("synth/bindings.py", "import modules.naming", "deployments stand on modules"),
    ("config/types.py", "import synth.nodejs", "deployments stand on modules"),
    ("config/types.py", "import operations.errors", "operations stand on config"),
    ("operations/stacks.py", "import deployments.suai_cloud_app.settings", "operations do not know the deployments"),
    ("deployments/suai_cloud_app/stack.py", "import operations.aws", "what is deployed does not know"),
    ("deployments/suai_cloud_app/runtime/boot.py", "import emulator.server", "what is deployed does not know"),
    ("deployments/suai_cloud_app/stack.py", "import deployments.another.stack", "deployments do not know each other"),
    ("deployments/another/stack.py", "import deployments.suai_cloud_app.stack", "deployments do not know each other"),
    ("config/components.py", "import cdktf", "settings and outputs are read without cdktf"),
    ("config/components.py", "import boto3", "settings and outputs are read without cdktf"),
    ("deployments/suai_cloud_app/settings.py", "import constructs", "settings and outputs are read without cdktf"),
    ("operations/stacks.py", "import cdktf", "operations read generated files"),
    ("modules/network.py", "import boto3", "modules never parse configuration and never call AWS"),
    ("modules/network.py", "import tomllib", "modules never parse configuration and never call AWS"),
    ("emulator/store.py", "import operations.errors", "the emulator stands by itself"),
    (
        "emulator/store.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import config.types",
        "the emulator",
    ),
    ("iam/__init__.py", "import emulator.store", "iam stands by itself"),
]


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The packages, with a sixth deployment that no contract names."""
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    another = tmp_path / "deployments" / "another"
    another.mkdir()
    for name in ("__init__.py", "settings.py", "stack.py"):
        (another / name).write_text("")
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    return tmp_path


def broken_contracts(root: Path) -> str:
    program = "import sys; from importlinter.cli import lint_imports_command; sys.argv = ['lint-imports', '--no-cache']; lint_imports_command()"
    done = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=False)
    assert "Contracts:" in done.stdout, done.stdout + done.stderr
    return "\n".join(line for line in done.stdout.splitlines() if " BROKEN" in line)


def test_the_code_keeps_every_contract(copy: Path) -> None:
    assert broken_contracts(copy) == ""


@pytest.mark.parametrize(("file", "line", "contract"), VIOLATIONS)
def test_each_contract_breaks_when_violated(copy: Path, file: str, line: str, contract: str) -> None:
    with (copy / file).open("a") as source:
        source.write(f"\n{line}\n")
    assert contract in broken_contracts(copy)
