"""The user data as a text."""

from __future__ import annotations

import ast
import gzip
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from deployments.aquamark import runtime
from modules.user_data import render

RUNTIME = Path(runtime.__file__).parent
NAMES = set(re.findall(r"@\{(?:json:)?(\w+)\}", (RUNTIME / "user_data.sh").read_text()))


def rendered(role: str) -> str:
    return render(RUNTIME / "user_data.sh", **{name: name * 4 for name in NAMES} | {"role": role})


@pytest.mark.parametrize("role", ["web", "daemons"])
def test_shellcheck_finds_nothing_in_the_rendered_user_data(tmp_path: Path, role: str) -> None:
    script = tmp_path / "user_data.sh"
    script.write_text(rendered(role))
    program = Path(sys.executable).with_name("shellcheck")
    options = ["--enable=all", "--exclude=SC2250,SC2310,SC2312,SC2050"]  # the role is a word once it is rendered
    assert subprocess.run([program, *options, script], check=False, capture_output=True, text=True).stdout == ""


def test_compressed_it_fits_into_ec2s_16_kilobytes() -> None:
    assert len(gzip.compress(rendered("daemons").encode())) <= 12_000


def test_the_values_arrive_as_json_with_all_that_the_programs_read() -> None:
    text = rendered("web").split("host.json\" <<'END_OF_FILE'\n")[1].split("END_OF_FILE")[0]
    told = set(json.loads(text))
    read = set(re.findall(r'values\["(\w+)"\]|values\[\'(\w+)\'\]', (RUNTIME / "host.py").read_text()))
    assert {name for pair in read for name in pair if name} <= told


@pytest.mark.parametrize("name", ["host.py", "tasks.py"])
def test_the_programs_are_python_of_amazon_linux_2023(name: str) -> None:
    ast.parse((RUNTIME / name).read_text(), feature_version=(3, 9))
