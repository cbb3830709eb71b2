"""Import contracts: kept by the code, and broken by each kind of violation."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
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


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Callable[[], Path]:
    """Makes copies of the packages, with a sixth deployment that no contract names."""

    def copy() -> Path:
        folder = tmp_path_factory.mktemp("copy")
        for package in PACKAGES:
            shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
        another = folder / "deployments" / "another"
        another.mkdir()
        for name in ("__init__.py", "settings.py", "stack.py"):
            (another / name).write_text("")
        shutil.copyfile(ROOT / "pyproject.toml", folder / "pyproject.toml")
        return folder

    return copy


@pytest.fixture(scope="module")
def broken(copies: Callable[[], Path]) -> str:
    """Output of the linter about a copy with all violations in it."""
    root = copies()
    for file, line, _ in VIOLATIONS:
        with (root / file).open("a") as source:
            source.write(f"\n{line}\n")
    return said_about(root)


def said_about(root: Path) -> str:
    program = "import sys; from importlinter.cli import lint_imports_command; sys.argv = ['lint-imports', '--no-cache']; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=root,
        env={**os.environ, "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Contracts:" in done.stdout, done.stdout + done.stderr
    return done.stdout


def test_the_code_keeps_every_contract(copies: Callable[[], Path]) -> None:
    assert " BROKEN" not in said_about(copies())


@pytest.mark.parametrize(("file", "line", "contract"), VIOLATIONS)
def test_each_contract_breaks_when_violated(broken: str, file: str, line: str, contract: str) -> None:
    importer = file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    imported = line.split()[-1]
    section = re.search(rf"(?m)^{contract}.*\n-+\n((?:.*\n(?!-----))*)", broken.partition("Broken contracts")[2])
    assert section is not None, broken
    assert re.search(rf"(?m)^-\s+{importer} -> {imported} \(l\.\d+\)$", section[1]), section[0]
