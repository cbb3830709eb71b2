"""Every committed stack with the real Terraform and the real AWS provider: applied, planned again to nothing, destroyed."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys

import pytest

from config.environment import environment_names
from config.settings import ROOT
from operations.commands.day2 import checks_of
from operations.console import new_console
from operations.demo.demo import Demo
from operations.stacks import find_stacks
from tests.planted.play import SecretsPlay, shown
from tests.planted.processes import Processes
from tests.planted.search import SecretSearch

pytestmark = pytest.mark.terraform(minutes=17)


def run(*command: str) -> str:
    """Output of a command; a failure shows all of it."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "COLUMNS": "160"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("environment", environment_names())
def test_every_stack_applies_under_its_roles_plans_again_to_nothing_passes_its_checks_shows_no_secret_and_leaves_nothing(
    environment: str,
) -> None:
    processes, told = Processes(), io.StringIO()
    play = SecretsPlay(processes, planned_too="canvas-data-2-dev")
    demo = Demo(
        environment=environment,
        destroy=True,
        under_roles=True,
        checks_of=checks_of,
        rehearsal_of=play.rehearsal_of,
    )
    with processes.watched():
        fine = demo.run(new_console(file=told, width=160))
    said = told.getvalue()
    assert fine, said
    rows = {row.split()[0]: row for row in said.splitlines() if "state empty" in row}
    assert set(rows) == {stack.name for stack in find_stacks(ROOT, environment)}
    for row in rows.values():
        assert "empty" in row, said
        assert "not empty" not in row, said
        assert "passed" in row, said
        assert "state empty" in row, said
    assert "Left behind" not in said
    assert "nothing was denied" in said
    assert play.folder is not None
    search = SecretSearch(play.secrets)
    found = search.in_files(play.folder)
    found += search.in_files(ROOT / "generated")
    found += search.in_texts([("the demo's output", said), *shown(processes)])
    assert not found, "\n".join(sorted(set(found)))
    shutil.rmtree(play.folder)


@pytest.mark.terraform(minutes=5)
def test_the_cdktf_command_line_writes_every_stack_as_committed_and_deploys_diffs_and_destroys_one() -> None:
    """Prove one deploy: the tool runs Terraform on the bytes it writes, and the test above applies the same for all."""
    said = run(sys.executable, "scripts/cdktf_tour.py", "canvas-data-2-dev")
    assert "cdktf synth writes what is committed." in said, said
    assert "Deployed, nothing left to do, destroyed: canvas-data-2-dev." in said, said
