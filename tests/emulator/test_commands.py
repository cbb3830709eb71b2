"""`quintet emulator`: where the emulator is and what it holds, and what to do when there is none."""

from __future__ import annotations

import shlex
import signal
import socket
import subprocess
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner, Result

from emulator.announcement import Announcement, announce
from emulator.errors import EmulatorError
from emulator.server import Emulator
from operations.commands.emulator import app

TRUST = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}'


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("config.settings.ROOT", tmp_path)
    return tmp_path


@pytest.fixture
def announced(repository: Path, emulator: Emulator) -> Emulator:
    announce(repository, Announcement(emulator.endpoint, emulator.pid, emulator.secret, "444455556666", "eu-west-1"))
    return emulator


def _quintet_emulator(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def test_env_prints_what_a_shell_needs(announced: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    printed = _quintet_emulator("env", "--account", "111122223333", "--region", "eu-west-1").stdout
    shell = subprocess.run(
        [
            "sh",
            "-c",
            f"{printed}\necho $AWS_PROFILE $AWS_SESSION_TOKEN $AWS_ENDPOINT_URL $AWS_ACCESS_KEY_ID $AWS_REGION",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shlex.split(shell.stdout) == [announced.endpoint, f"111122223333{announced.secret}", "eu-west-1"]


def test_env_takes_the_account_and_the_region_the_emulator_was_started_for(announced: Emulator) -> None:
    printed = _quintet_emulator("env").stdout
    assert f"export AWS_ACCESS_KEY_ID=444455556666{announced.secret}\n" in printed
    assert "export AWS_REGION=eu-west-1\n" in printed


@pytest.mark.parametrize("wrong", [["--account", "12"], ["--acount"], ["--region"]])
def test_env_sends_the_shell_nowhere_when_its_options_are_wrong(announced: Emulator, wrong: list[str]) -> None:
    printed = _quintet_emulator("env", *wrong).stdout
    assert "export AWS_ENDPOINT_URL=http://127.0.0.1:9\n" in printed
    assert "export AWS_ACCESS_KEY_ID=000000000000\n" in printed
    assert printed.endswith("false\n")


def test_the_announcement_can_be_read_by_its_owner_only(announced: Emulator, repository: Path) -> None:
    assert (repository / ".runs" / "emulator.json").stat().st_mode & 0o077 == 0


def test_stop_ends_an_emulator_that_was_kept(repository: Path) -> None:
    kept = Emulator.start(log=repository / "log", outlives_parent=True)
    try:
        announce(repository, Announcement(kept.endpoint, kept.pid, kept.secret, "111122223333", "eu-central-1"))
        assert f"process {kept.pid}) is ended" in _quintet_emulator("stop").stdout
        assert kept.wait() == -signal.SIGTERM
        assert not (repository / ".runs" / "emulator.json").exists()
    finally:
        kept.stop()


def test_stop_ends_no_process_that_is_not_the_announced_emulator(repository: Path, emulator: Emulator) -> None:
    announce(repository, Announcement(emulator.endpoint, 1, "", "111122223333", "eu-central-1"))
    result = _quintet_emulator("stop")
    assert "is not the announced process 1" in str(result.exception)
    assert emulator.status()["pid"] == emulator.pid


def test_env_refuses_what_is_no_account_id(announced: Emulator) -> None:
    result = _quintet_emulator("env", "--account", "12")
    assert result.exit_code == 2
    assert "'12' is not an account id: twelve digits" in result.output


def test_status_shows_holdings_by_account(announced: Emulator, aws: object, account: str) -> None:
    aws("sns").create_topic(Name="alarms")  # type: ignore[operator]
    shown = _quintet_emulator("status").stdout
    assert announced.endpoint in shown
    assert any(account in line and "topics" in line for line in shown.splitlines())


def test_status_names_what_iam_refused(announced: Emulator, aws: object, account: str) -> None:
    role = aws("iam").create_role(RoleName="web", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]  # type: ignore[operator]
    keys = announced.keys_of(role, region="eu-central-1")
    session = boto3.Session(keys["AWS_ACCESS_KEY_ID"], keys["AWS_SECRET_ACCESS_KEY"], keys["AWS_SESSION_TOKEN"])
    with pytest.raises(ClientError, match="AccessDenied"):
        session.client("s3", endpoint_url=announced.endpoint, region_name="eu-central-1").list_buckets()
    said = "Refused by IAM: role/web: s3:ListAllMyBuckets on *: no statement allows it (identity-based policy)"
    assert said in _quintet_emulator("status").stdout


@pytest.mark.parametrize("command", ["env", "status", "stop"])
def test_without_an_emulator_the_operator_is_told_how_to_start_one(repository: Path, command: str) -> None:
    result = _quintet_emulator(command)
    assert isinstance(result.exception, EmulatorError)
    assert "quintet emulator run" in str(result.exception)


def test_without_an_emulator_env_fails_the_eval_and_sends_clients_nowhere(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    printed = _quintet_emulator("env").stdout
    shell = subprocess.run(
        ["sh", "-c", 'eval "$0" && echo went on; echo "${AWS_PROFILE-none} $AWS_ENDPOINT_URL"', printed],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shell.stdout == "none http://127.0.0.1:9\n"


def test_a_taken_port_is_answered_with_the_option_that_takes_a_free_one() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = _quintet_emulator("run", "--port", str(taken.getsockname()[1]))
    assert isinstance(result.exception, EmulatorError)
    assert "--port 0" in str(result.exception)
