"""The example workflows use commands and options that exist."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import yaml

from config.settings import ROOT
from operations.commands import apply, drift, plan, report

EXAMPLES = sorted((ROOT / "docs" / "examples").rglob("*.yml"))
COMMANDS = {"plan": plan.app, "apply": apply.app, "drift": drift.app, "report": report.app}


def scripts(file: Path) -> list[str]:
    """The scripts of a workflow's steps, and of the jobs of a pipeline, each after what its template does before."""
    content = yaml.safe_load(file.read_text(encoding="utf-8"))
    if "jobs" in content:
        return [step["run"] for job in content["jobs"].values() for step in job["steps"] if "run" in step]
    jobs = [job for job in content.values() if isinstance(job, dict) and "script" in job]
    before = [content[job["extends"]]["before_script"] if "extends" in job else [] for job in jobs]
    return ["\n".join([*first, *job["script"]]) for first, job in zip(before, jobs, strict=True)]


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_an_example_calls_quintet_with_options_it_has(file: Path) -> None:
    calls = re.findall(r"quintet (\w+)([^|\n]*)", "\n".join(scripts(file)))
    assert calls
    for name, arguments in calls:
        command = typer.main.get_command(COMMANDS[name])
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", arguments)) <= known


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_the_shell_in_an_example_is_sound(file: Path, tmp_path: Path) -> None:
    for number, script in enumerate(scripts(file)):
        path = tmp_path / f"{number}.sh"
        path.write_text("#!/bin/bash\n" + re.sub(r"\$\{\{.*?\}\}", "value", script))
        shellcheck = Path(sys.executable).with_name("shellcheck")
        done = subprocess.run([shellcheck, path], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
