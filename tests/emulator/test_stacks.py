"""Every committed stack with the real Terraform and the real AWS provider: applied, planned again to nothing, destroyed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from config.environment import environment_names
from config.registry import DEPLOYMENTS
from config.settings import ROOT
from operations.stacks import find_stacks

pytestmark = pytest.mark.terraform(minutes=9)


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
def test_every_stack_applies_plans_again_to_nothing_passes_its_checks_and_leaves_nothing(environment: str) -> None:
    said = run(sys.executable, "-m", "operations", "demo", "--environment", environment, "--destroy")
    rows = {row.split()[0]: row for row in said.splitlines() if "state empty" in row}
    assert set(rows) == {stack.name for stack in find_stacks(ROOT, environment)}
    for row in rows.values():
        assert "empty" in row, said
        assert "not empty" not in row, said
        assert "passed" in row, said
        assert "state empty" in row, said
    assert "Left behind" not in said


def test_the_cdktf_command_line_writes_the_same_bytes_deploys_finds_nothing_left_and_destroys() -> None:
    names = [stack.name for stack in find_stacks(ROOT, "dev")]
    assert len(names) == len(DEPLOYMENTS)
    said = run(sys.executable, "scripts/cdktf_tour.py", *names)
    assert "cdktf synth writes what is committed." in said, said
    assert f"Deployed, nothing left to do, destroyed: {', '.join(names)}." in said, said
