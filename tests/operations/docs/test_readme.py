"""The README's commands, typed into a shell in a copy of the repository, with the emulator as the account."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import ROOT
from emulator.server import without_aws
from synth.kept_files import cache_folders

pytestmark = [pytest.mark.emulator, pytest.mark.terraform(minutes=3)]
LEFT_OUT = (".venv", ".venv-*", ".git", ".runs", ".tools", ".cache", ".*_cache", ".hypothesis", ".terraform")
QUINTET = f"quintet() {{ '{sys.executable}' -m operations \"$@\"; }}"
MAKE = 'make() { command make -o venv "$@"; }  # the environment is this one\'s, and complete'
EXIT_CODES = {"quintet plan": 2}
"""Commands that exit with another code than 0: something would change."""


def commands() -> list[str]:
    """The lines to type in the section on your own account."""
    section = (ROOT / "README.md").read_text().split("\n## Your own account\n")[1].split("\n## ")[0]
    return re.findall(r"^\$ (.*?) *(?:#.*)?$", section, re.MULTILINE)


@pytest.fixture
def clone(tmp_path: Path) -> Iterator[Path]:
    """A copy of the repository, with an emulator started as the README says."""
    root = tmp_path / "quintet"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(*LEFT_OUT, "__pycache__"))
    bindings = cache_folders("bindings")[0]  # cut down anew by the first synth otherwise
    if bindings.is_dir():
        shutil.copytree(bindings, root / bindings.relative_to(ROOT))
    (root / ".venv").symlink_to(sys.prefix)
    (ROOT / ".tools").mkdir(exist_ok=True)
    (root / ".tools").symlink_to(ROOT / ".tools")
    operations = [sys.executable, "-m", "operations"]
    environment = without_aws(os.environ)
    with subprocess.Popen([*operations, "emulator", "run", "--port", "0"], cwd=root, env=environment) as emulator:
        try:
            while subprocess.run([*operations, "emulator", "status"], cwd=root, capture_output=True).returncode:
                assert emulator.poll() is None
                time.sleep(0.5)
            yield root
        finally:
            emulator.terminate()


def test_the_commands_of_the_readme_lead_from_settings_to_an_apply_without_drift(clone: Path) -> None:
    typed = commands()
    assert [command.split()[1] for command in typed] == [
        "settings",
        "synth",
        "state",
        "preflight",
        "plan",
        "apply",
        "drift",
    ]
    assert 'eval "$(quintet emulator env)"' in (ROOT / "README.md").read_text()
    script = [QUINTET, MAKE, 'eval "$(quintet emulator env)"']
    for command in typed:
        run = command.replace(" RUN", " $(basename .runs/*-plan-*)")
        script += [run, f'echo "exit code $?: {command}"']
    done = subprocess.run(
        ["bash", "-c", "\n".join(script)],
        cwd=clone,
        env=without_aws(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    codes = re.findall(r"^exit code (\d+): (.*)$", done.stdout, re.MULTILINE)
    wanted = [(str(EXIT_CODES.get(" ".join(command.split()[:2]), 0)), command) for command in typed]
    assert codes == wanted, done.stdout + done.stderr
    assert "suai-cloud-app-dev: applied" in done.stdout
