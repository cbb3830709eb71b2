"""`quintet logs`: log groups of an applied stack, and their events."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from emulator.server import Emulator
from operations import cli
from operations.console import printable
from tests.operations.running.applied import REGION, AppliedOnEmulator, apply

APPLICATION, BOOT = "/quintet/example-web/application", "/quintet/example-web/boot"
GROUPS = {
    f"aws_cloudwatch_log_group.{role}": {"name": name} for role, name in (("application", APPLICATION), ("boot", BOOT))
}
Logs = Callable[..., tuple[int, str, str]]


@pytest.fixture
def deployed(tmp_path: Path, emulator: Emulator, account: str) -> AppliedOnEmulator:
    made = apply(tmp_path, emulator, account, GROUPS)
    for group in (APPLICATION, BOOT):
        made.client("logs").create_log_group(logGroupName=group)
        for instance in ("i-0a", "i-0b"):
            made.client("logs").create_log_stream(logGroupName=group, logStreamName=instance)
    return made


@pytest.fixture
def logs(deployed: AppliedOnEmulator, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Logs:
    """`logs("application", "--since", "1h")` runs the command line and returns exit code, output and errors."""
    deployed.lead_there(monkeypatch)

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(["logs", deployed.stack.name, *arguments])
        return code, *capsys.readouterr()

    return run


def write(deployed: AppliedOnEmulator, instance: str, *lines: tuple[float, str], group: str = APPLICATION) -> None:
    """Let an instance have written lines, each so many seconds ago."""
    now = time.time()
    events = [{"timestamp": int((now - age) * 1000), "message": text} for age, text in lines]
    deployed.client("logs").put_log_events(logGroupName=group, logStreamName=instance, logEvents=events)


def texts(out: str) -> list[tuple[str, ...]]:
    """Instance and text of each line."""
    return [tuple(line.split(" ", 2)[1:]) for line in out.splitlines()]


def test_events_of_all_instances_come_in_the_order_of_time(deployed: AppliedOnEmulator, logs: Logs) -> None:
    write(deployed, "i-0a", (300, "one"), (100, "three"))
    write(deployed, "i-0b", (200, "two"), (50, "four\n"))
    code, out, err = logs("application")
    assert (code, err) == (0, "")
    assert texts(out) == [("i-0a", "one"), ("i-0b", "two"), ("i-0a", "three"), ("i-0b", "four")]
    moments = [datetime.fromisoformat(line.split(" ")[0]) for line in out.splitlines()]
    assert moments == sorted(moments)
    assert timedelta(0) < datetime.now(UTC) - moments[0] < timedelta(hours=1)


def test_only_what_is_recent_enough_is_shown(deployed: AppliedOnEmulator, logs: Logs) -> None:
    write(deployed, "i-0a", (7200, "old"), (1200, "recent"))
    assert texts(logs("application", "--since", "1h")[1]) == [("i-0a", "recent")]
    assert texts(logs("application", "--since", "3h")[1]) == [("i-0a", "old"), ("i-0a", "recent")]
    code, out, err = logs("application")
    assert (code, out) == (0, "")
    assert err == f"Nothing in {APPLICATION} for 15m.\n"


def test_the_boot_log_is_another_one(deployed: AppliedOnEmulator, logs: Logs) -> None:
    write(deployed, "i-0a", (10, "application"))
    write(deployed, "i-0a", (10, "boot"), group=BOOT)
    assert texts(logs("boot")[1]) == [("i-0a", "boot")]


def test_more_events_than_one_answer_holds_are_all_shown(deployed: AppliedOnEmulator, logs: Logs) -> None:
    lines = [(100.0, str(number)) for number in range(10_050)]
    write(deployed, "i-0a", *lines[:9_000])
    write(deployed, "i-0a", *lines[9_000:])
    assert [text for _, text in texts(logs("application")[1])] == [str(number) for number in range(10_050)]


def test_following_shows_each_event_once_until_ctrl_c(
    deployed: AppliedOnEmulator, logs: Logs, monkeypatch: pytest.MonkeyPatch
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

    monkeypatch.setattr("operations.instances.log_events.time.sleep", meanwhile)
    code, out, err = logs("application", "--follow")
    assert (code, err) == (0, "")
    assert texts(out) == [("i-0a", "before"), ("i-0b", "new"), ("i-0b", "late")]


def test_logs_do_not_command_the_terminal(deployed: AppliedOnEmulator, logs: Logs) -> None:
    write(deployed, "i-0a", (10, "GET /\x1b[2J\tgrün"))
    assert texts(logs("application")[1]) == [("i-0a", "GET /�[2J\tgrün")]
    assert printable("\x9b\r\n") == "���"


@pytest.mark.parametrize("since", ["", "15", "m", "0m", "-1h", "1w", "1.5h", "9999999d"])
def test_what_is_no_time_span_is_exit_code_2(capsys: pytest.CaptureFixture[str], since: str) -> None:
    assert cli.run(["logs", "suai-cloud-app-dev", "boot", "--since", since]) == 2
    assert "90s, 15m, 2h or 3d" in capsys.readouterr().err


def test_a_very_long_time_is_the_whole_log(deployed: AppliedOnEmulator, logs: Logs) -> None:
    write(deployed, "i-0a", (7200, "old"))
    assert texts(logs("application", "--since", "99999d")[1]) == [("i-0a", "old")]


def test_a_log_group_that_is_gone_is_named(deployed: AppliedOnEmulator, logs: Logs) -> None:
    deployed.client("logs").delete_log_group(logGroupName=BOOT)
    code, out, err = logs("boot")
    assert (code, out, err) == (1, "", f"Error: There is no log group {BOOT} in {REGION}.\n")


def test_without_a_log_the_groups_of_the_stack_are_listed(logs: Logs) -> None:
    code, out, _ = logs("--json")
    assert (code, json.loads(out)) == (0, {"log_groups": [{"log_group": APPLICATION}, {"log_group": BOOT}]})


def test_a_log_that_no_group_ends_with_is_answered_with_those_there_are(logs: Logs) -> None:
    code, out, err = logs("nginx")
    assert (code, out) == (1, "")
    assert f"No log group ends with nginx: {APPLICATION}, {BOOT}." in err
