"""Followed processes are not harmed by whoever follows them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import ROOT
from operations.terraform.processes import Children


def when_there_is(name: str) -> str:
    """Shell that waits for a file in its folder, at most a minute."""
    return f"timeout --foreground 60 sh -c 'until [ -e {name} ]; do sleep 0.02; done'"


SAYS_THREE_LINES = [
    "sh",
    "-c",
    f"echo one; {when_there_is('seen-one')}; echo two; {when_there_is('seen-two')}; printf three; touch done",
]
"""Says the next line when the one before was seen."""


def test_lines_come_as_they_are_written_and_the_last_needs_no_end(tmp_path: Path) -> None:
    seen: list[tuple[str, bool]] = []

    def see(line: str) -> None:
        seen.append((line, (tmp_path / "done").exists()))
        (tmp_path / f"seen-{line}").touch()

    with Children() as children:
        code = children.follow(SAYS_THREE_LINES, cwd=tmp_path, environment=os.environ, on_line=see)
    assert code == 0
    assert seen == [("one", False), ("two", False), ("three", True)]


@pytest.mark.parametrize("failure", [BrokenPipeError(), SystemExit(1), ValueError("a bug")])
def test_an_error_of_the_handler_is_raised_when_the_command_has_ended(tmp_path: Path, failure: BaseException) -> None:
    calls: list[str] = []

    def fail(line: str) -> None:
        calls.append(line)
        (tmp_path / f"seen-{line}").touch()
        raise failure

    with Children() as children, pytest.raises(type(failure)):
        children.follow(SAYS_THREE_LINES, cwd=tmp_path, environment=os.environ, on_line=fail)
    assert (tmp_path / "done").exists()
    assert calls == ["one", "two", "three"]


def test_the_output_file_belongs_to_its_owner_alone_and_is_never_a_link(tmp_path: Path) -> None:
    output = tmp_path / "output"
    with Children() as children:
        children.follow(["echo", "x"], cwd=tmp_path, environment=os.environ, on_line=print, output=output)
        assert (output.read_text(), output.stat().st_mode & 0o777) == ("x\n", 0o600)
        output.unlink()
        output.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(OSError, match="symbolic links"):
            children.follow(["echo", "x"], cwd=tmp_path, environment=os.environ, on_line=print, output=output)


def follower(folder: Path) -> subprocess.Popen[str]:
    """A program that follows one command, which writes `done` once `go` is there, if it can write elsewhere."""
    program = f"""
        import os
        from pathlib import Path
        from operations.terraform.processes import Children
        command = ["sh", "-c", "touch begun; {when_there_is("go")}; echo said || exit 1; touch done"]
        with Children() as children:
            children.follow(command, cwd=Path({str(folder)!r}), environment=os.environ, on_line=print)
        """
    return subprocess.Popen([sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, text=True)


def wait_for(path: Path) -> bool:
    give_up = time.monotonic() + 60
    while not path.exists() and time.monotonic() < give_up:
        time.sleep(0.02)
    return path.exists()


def test_a_command_goes_on_to_its_end_when_its_follower_is_killed(tmp_path: Path) -> None:
    program = follower(tmp_path)
    assert wait_for(tmp_path / "begun")
    program.kill()
    program.wait()
    (tmp_path / "go").touch()
    assert wait_for(tmp_path / "done")


def test_a_command_ignores_hangups(tmp_path: Path) -> None:
    script = ["sh", "-c", "kill -HUP $$; touch done"]
    with Children() as children:
        assert children.follow(script, cwd=tmp_path, environment=os.environ, on_line=print) == 0
    assert (tmp_path / "done").exists()


@pytest.fixture
def heeds_interrupts() -> Iterator[None]:
    """Children can trap interrupts, also where the tests run in the background of a script, which ignores them."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("heeds_interrupts")
@pytest.mark.parametrize("trap", ["exit 0", ":"])
def test_an_end_interrupts_first_and_kills_when_the_grace_period_is_over(tmp_path: Path, trap: str) -> None:
    """The command notes the interrupt; one of the two ends then, the other goes on."""
    script = f"trap 'touch interrupted; {trap}' INT; touch begun; while :; do sleep 0.05; done"
    children = Children(grace_seconds=1.0)
    process = children._start(["sh", "-c", script], tmp_path, os.environ, subprocess.DEVNULL, subprocess.DEVNULL)
    assert wait_for(tmp_path / "begun")
    children.end()
    assert (tmp_path / "interrupted").exists()
    assert process.wait() == (0 if trap == "exit 0" else -signal.SIGKILL)


@pytest.mark.usefixtures("heeds_interrupts")
def test_a_process_that_serves_others_goes_on_until_the_interrupted_ones_have_ended(tmp_path: Path) -> None:
    server = ["sh", "-c", "trap 'touch interrupted; exit' INT; echo ready; while :; do sleep 0.05; done"]
    client = ["sh", "-c", "trap 'sleep 0.3; touch finished; exit' INT; touch begun; while :; do sleep 0.05; done"]
    children = Children(grace_seconds=60.0)
    with children.serving(server, cwd=tmp_path, environment=os.environ) as lines:
        assert next(lines) == "ready"
        process = children._start(client, tmp_path, os.environ, subprocess.DEVNULL, subprocess.DEVNULL)
        assert wait_for(tmp_path / "begun")
        begun = time.monotonic()
        children.interrupt()
        assert process.wait() == 0
        assert (tmp_path / "finished").exists()
        time.sleep(0.2)
        assert not (tmp_path / "interrupted").exists()
        (served,) = children._serving
        assert served.poll() is None
        children._end(process)
    assert served.poll() is not None
    children.end()
    assert time.monotonic() - begun < 30
