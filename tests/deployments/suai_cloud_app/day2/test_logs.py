"""`quintet suai logs`: what instances have written into CloudWatch Logs."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emulator.server import Emulator
from operations import cli
from operations.console import printable
from operations.instances import log_events
from tests.deployments.suai_cloud_app.day2.suai_support import REGION, Deployed, deploy

APPLICATION, BOOT = "/quintet/suai-web/application", "/quintet/suai-web/boot"
Logs = Callable[..., tuple[int, str, str]]


@pytest.fixture
def deployed(tmp_path: Path, emulator: Emulator, account: str) -> Deployed:
    made = deploy(tmp_path, emulator, account)
    for group in (APPLICATION, BOOT):
        made.client("logs").create_log_group(logGroupName=group)
        for instance in ("i-0a", "i-0b"):
            made.client("logs").create_log_stream(logGroupName=group, logStreamName=instance)
    return made


@pytest.fixture
def logs(deployed: Deployed, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Logs:
    """`logs("--since", "1h")` runs the command line and returns exit code, output and errors."""
    monkeypatch.setattr("config.settings.ROOT", deployed.root)
    monkeypatch.setattr("config.environment.environment_names", lambda: ["test"])
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in deployed.environment.items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(["suai", "logs", "--environment", "test", *arguments])
        return code, *capsys.readouterr()

    return run


def write(deployed: Deployed, instance: str, *lines: tuple[float, str], group: str = APPLICATION) -> None:
    """Let an instance have written lines, each so many seconds ago."""
    now = time.time()
    events = [{"timestamp": int((now - age) * 1000), "message": text} for age, text in lines]
    deployed.client("logs").put_log_events(logGroupName=group, logStreamName=instance, logEvents=events)


def texts(out: str) -> list[tuple[str, ...]]:
    """Instance and text of each line."""
    return [tuple(line.split(" ", 2)[1:]) for line in out.splitlines()]


def test_events_of_all_instances_come_in_the_order_of_time(deployed: Deployed, logs: Logs) -> None:
    write(deployed, "i-0a", (300, "one"), (100, "three"))
    write(deployed, "i-0b", (200, "two"), (50, "four\n"))
    code, out, err = logs()
    assert (code, err) == (0, "")
    assert texts(out) == [("i-0a", "one"), ("i-0b", "two"), ("i-0a", "three"), ("i-0b", "four")]
    moments = [datetime.fromisoformat(line.split(" ")[0]) for line in out.splitlines()]
    assert moments == sorted(moments)
    assert timedelta(0) < datetime.now(UTC) - moments[0] < timedelta(hours=1)


def test_only_what_is_recent_enough_is_shown(deployed: Deployed, logs: Logs) -> None:
    write(deployed, "i-0a", (7200, "old"), (1200, "recent"))
    assert texts(logs("--since", "1h")[1]) == [("i-0a", "recent")]
    assert texts(logs("--since", "3h")[1]) == [("i-0a", "old"), ("i-0a", "recent")]
    code, out, err = logs()
    assert (code, out) == (0, "")
    assert err == f"Nothing in {APPLICATION} for 15m.\n"


def test_the_boot_log_is_another_one(deployed: Deployed, logs: Logs) -> None:
    write(deployed, "i-0a", (10, "application"))
    write(deployed, "i-0a", (10, "boot"), group=BOOT)
    assert texts(logs("--log", "boot")[1]) == [("i-0a", "boot")]


def test_more_events_than_one_answer_holds_are_all_shown(deployed: Deployed, logs: Logs) -> None:
    lines = [(100.0, str(number)) for number in range(10_050)]
    write(deployed, "i-0a", *lines[:9_000])
    write(deployed, "i-0a", *lines[9_000:])
    assert [text for _, text in texts(logs()[1])] == [str(number) for number in range(10_050)]


def test_following_shows_each_event_once_until_ctrl_c(
    deployed: Deployed, logs: Logs, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(deployed, "i-0a", (10, "before"))
    arriving = [
        lambda: write(deployed, "i-0b", (1, "new")),
        lambda: write(deployed, "i-0b", (12, "late")),
        lambda: None,
    ]

    def meanwhile(_: float) -> None:
        if not arriving:
            raise KeyboardInterrupt
        arriving.pop(0)()

    monkeypatch.setattr(log_events.time, "sleep", meanwhile)
    code, out, err = logs("--follow")
    assert (code, err) == (0, "")
    assert texts(out) == [("i-0a", "before"), ("i-0b", "new"), ("i-0b", "late")]


def test_logs_do_not_command_the_terminal(deployed: Deployed, logs: Logs) -> None:
    write(deployed, "i-0a", (10, "GET /\x1b[2J\tgrün"))
    assert texts(logs()[1]) == [("i-0a", "GET /�[2J\tgrün")]
    assert printable("\x9b\r\n") == "���"


@pytest.mark.parametrize("since", ["", "15", "m", "0m", "-1h", "1w", "1.5h", "9999999d"])
def test_what_is_no_time_span_is_exit_code_2(capsys: pytest.CaptureFixture[str], since: str) -> None:
    assert cli.run(["suai", "logs", "--since", since]) == 2
    assert "90s, 15m, 2h or 3d" in capsys.readouterr().err


def test_a_very_long_time_is_the_whole_log(deployed: Deployed, logs: Logs) -> None:
    write(deployed, "i-0a", (7200, "old"))
    assert texts(logs("--since", "99999d")[1]) == [("i-0a", "old")]


def test_a_log_group_that_is_gone_is_named(deployed: Deployed, logs: Logs) -> None:
    deployed.client("logs").delete_log_group(logGroupName=BOOT)
    code, out, err = logs("--log", "boot")
    assert (code, out, err) == (1, "", f"Error: There is no log group {BOOT} in {REGION}.\n")
