"""The preloaded AWS command line behaves as the program that it stands for."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from config.settings import ROOT
from emulator.server import Emulator
from operations.engines.host import Host

REGION = "eu-central-1"
REAL = str(Path(sys.executable).with_name("aws"))


@pytest.fixture
def host(emulator: Emulator, account: str, tmp_path: Path) -> Host:
    return Host(tmp_path / "root", emulator.full_environment(account_id=account, region=REGION))


@pytest.mark.parametrize(
    "arguments",
    [
        ("sts", "get-caller-identity", "--output", "json"),
        ("s3", "ls", "s3://no-such-bucket"),
        ("sts", "no-such-command"),
        ("--version",),
        (),
    ],
)
def test_exit_code_output_and_errors_are_those_of_the_program(host: Host, arguments: tuple[str, ...]) -> None:
    ours, real = host.run("aws", *arguments), host.run(REAL, *arguments)
    assert (ours.returncode, ours.stdout, ours.stderr) == (real.returncode, real.stdout, real.stderr)


def test_a_call_has_the_callers_files_folder_environment_and_mask(
    host: Host, aws: Callable[..., Any], tmp_path: Path
) -> None:
    aws("s3").create_bucket(Bucket="dumps", CreateBucketConfiguration={"LocationConstraint": REGION})
    put = host.run("aws", "s3", "cp", "--quiet", "-", "s3://dumps/dump", text="a dump \u00fc")
    assert (put.returncode, put.stdout, put.stderr) == (0, "", "")
    script = "umask 077; export AWS_DEFAULT_OUTPUT=text; cd var; aws s3 cp --quiet s3://dumps/dump here; aws sts get-caller-identity"
    said = host.run("bash", "-c", script)
    assert "\t" in said.stdout, said.stderr
    here = host.root / "var/here"
    assert here.read_text() == "a dump \u00fc"
    assert here.stat().st_mode & 0o077 == 0


def test_calls_at_the_same_time_do_not_wait_for_each_other_nor_share_anything(host: Host) -> None:
    queries = [f"'{number}'" for number in range(12)]
    with ThreadPoolExecutor() as pool:
        said = pool.map(lambda query: host.run("aws", "sts", "get-caller-identity", "--query", query).stdout, queries)
        assert [text.strip() for text in said] == [query.replace("'", '"') for query in queries]


def test_the_process_ends_with_the_one_that_wanted_it(tmp_path: Path) -> None:
    program = "from operations.engines.command_line import loaded_command_line; print(loaded_command_line(), end='')"
    killed = f"{program}; import os, sys; sys.stdout.flush(); os.kill(os.getpid(), 9)"
    for text, code in ((program, 0), (killed, -9)):
        done = subprocess.run([sys.executable, "-c", text], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        asked = [sys.executable, str(ROOT / "operations/engines/stand_ins/aws.py"), done.stdout, "--version"]
        give_up = time.monotonic() + 60
        while subprocess.run(asked, capture_output=True, check=False).returncode == 0:
            assert time.monotonic() < give_up
