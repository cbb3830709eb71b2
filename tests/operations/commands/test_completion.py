"""Completion in real shells, set up by `quintet --install-completion` in an empty home."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import ROOT
from tests.operations.commands.shells import Shell

BIN = Path(sys.executable).parent
SHELLS = {"bash": ["bash", "-i"], "zsh": ["zsh", "-i"], "fish": ["fish", "-i"]}


COMPLETED = {
    "quintet su": "quintet suai",
    "quintet setti": "quintet settings",
    "quintet state ver": "quintet state versions",
    "quintet emulator e": "quintet emulator env",
    "quintet sync-storage secrets ret": "quintet sync-storage secrets retire",
    "quintet state versions --js": "quintet state versions --json",
    "quintet suai releases --environment pr": "quintet suai releases --environment prod",
    "quintet plan suai-cloud-app-p": "quintet plan suai-cloud-app-prod",
    "quintet state status pr": "quintet state status prod",
}


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shell]:
    if shutil.which(request.param) is None:
        pytest.skip(f"{request.param} is not installed: scripts/system-packages.sh installs it")
    environment = {
        "HOME": str(tmp_path),
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "TERM": "xterm",
        "LANG": "C.UTF-8",
        "COLUMNS": "120",
    }
    install = [request.param, "-c", "quintet --install-completion; true"]  # it looks which shell has started it
    subprocess.run(install, env=environment, check=True, capture_output=True, cwd=ROOT)
    with Shell(SHELLS[request.param], environment=environment, folder=ROOT) as started:
        yield started


@pytest.mark.engines
def test_one_tab_completes_commands_options_environments_and_stacks_and_two_list_them(shell: Shell) -> None:
    for typed, completed in COMPLETED.items():
        shell.type(f"{typed}\t")
        shell.wait_for(completed)
        shell.type("\x15")  # Ctrl-U
    shell.type("quintet emulator \t\t")
    said = shell.wait_for("status")
    assert "env" in said
    assert "run" in said
    assert "not found" not in said
