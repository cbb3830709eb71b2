"""The emulator's process: started, found, stopped, and gone with the one that started it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from emulator.announcement import Announcement, announce, find, withdraw
from emulator.errors import EmulatorError
from emulator.server import HOST, Emulator


def test_it_listens_on_the_loopback_address_only(emulator: Emulator) -> None:
    sockets = [line.split() for line in Path(f"/proc/{emulator.pid}/net/tcp").read_text().splitlines()[1:]]
    listening = [local for _, local, _, state, *_ in sockets if state == "0A"]
    assert [local for local in listening if local.endswith(f":{emulator.port:04X}")] == [
        f"0100007F:{emulator.port:04X}"
    ]


def test_stopping_twice_is_fine_and_leaves_nothing_listening(tmp_path: Path) -> None:
    emulator = Emulator.start(log=tmp_path / "log")
    emulator.stop()
    emulator.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((HOST, emulator.port), timeout=5)


def test_a_taken_port_is_refused_with_the_port(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(EmulatorError, match=f"{HOST}:{port}"):
            Emulator.start(log=tmp_path / "log", port=port)


def test_it_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from emulator.server import Emulator\n"
        "print(Emulator.start(log=Path(sys.argv[1])).pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", script, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    for _ in range(200):
        if not _alive(pid):
            return
        time.sleep(0.1)
    os.kill(pid, signal.SIGKILL)
    pytest.fail("the emulator outlived the process that started it")


def _alive(pid: int) -> bool:
    """True while the process runs; one that ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_the_environment_leaves_nothing_of_the_operators_own_aws(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "https://elsewhere.example.org")
    monkeypatch.setenv("NO_PROXY", "intranet.example.org")
    environment = emulator.full_environment(account_id="111122223333", region="eu-central-1")
    assert {name: value for name, value in environment.items() if name.startswith("AWS_")} == {
        "AWS_ENDPOINT_URL": emulator.endpoint,
        "AWS_ACCESS_KEY_ID": f"111122223333{emulator.secret}",
        "AWS_SECRET_ACCESS_KEY": "emulator",
        "AWS_REGION": "eu-central-1",
        "AWS_DEFAULT_REGION": "eu-central-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    assert environment["NO_PROXY"] == f"intranet.example.org,{HOST}"
    assert environment["PATH"] == os.environ["PATH"]


def test_unknown_access_keys_belong_to_the_default_account(tmp_path: Path) -> None:
    import boto3

    with Emulator.start(log=tmp_path / "log", account_id="222233334444") as emulator:
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "x"}
        sts = boto3.client("sts", endpoint_url=emulator.endpoint, region_name="eu-central-1", **keys)
        assert sts.get_caller_identity()["Account"] == "222233334444"


def test_a_reset_forgets_moto_s_state_and_the_gaps(tmp_path: Path) -> None:
    import boto3

    with Emulator.start(log=tmp_path / "log") as emulator:
        keys = {"aws_access_key_id": "111122223333", "aws_secret_access_key": "x"}
        place = {"endpoint_url": emulator.endpoint, "region_name": "eu-central-1"}
        boto3.client("sns", **place, **keys).create_topic(Name="t")
        boto3.client("elasticache", **place, **keys).create_cache_cluster(
            CacheClusterId="c", CacheNodeType="cache.t3.micro"
        )
        assert {entry["service"] for entry in emulator.status()["inventory"]} == {"sns", "elasticache"}
        emulator.reset()
        assert emulator.status()["inventory"] == []


def test_an_announced_emulator_is_found_until_it_is_withdrawn(emulator: Emulator, tmp_path: Path) -> None:
    announcement = Announcement(emulator.endpoint, emulator.pid, emulator.secret, "111122223333", "eu-central-1")
    announce(tmp_path, announcement)
    assert find(tmp_path) == announcement
    withdraw(tmp_path, Announcement("http://127.0.0.1:1", 1, "", "111122223333", "eu-central-1"))
    assert find(tmp_path) == announcement
    withdraw(tmp_path, announcement)
    with pytest.raises(EmulatorError, match="No emulator is running"):
        find(tmp_path)


def test_an_announced_emulator_that_does_not_answer_is_said_so(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as closed:
        port = closed.getsockname()[1]
    announce(tmp_path, Announcement(f"http://{HOST}:{port}", 1, "", "111122223333", "eu-central-1"))
    with pytest.raises(EmulatorError, match="does not answer"):
        find(tmp_path)
