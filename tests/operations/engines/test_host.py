"""The machine that user data boots on: what it does, and what it refuses as the real programs do."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from emulator.server import Emulator
from operations.aws import Aws
from operations.engines.host import Host, HostSurroundings
from operations.engines.keys import keys_of
from operations.errors import OperatorError

REGION = "eu-central-1"
REGISTRY = "123456789012.dkr.ecr.eu-central-1.amazonaws.com"
UNIT = "[Unit]\nDescription=A unit\n[Service]\n{}\n[Install]\nWantedBy=multi-user.target\n"

TRUST = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}'


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    made = Host(tmp_path / "root", {})
    yield made
    made.close()


def unit(host: Host, name: str, *lines: str) -> None:
    host.write(f"etc/systemd/system/{name}", UNIT.format("\n".join(lines)))


def until(condition: Callable[[], Any]) -> None:
    give_up = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def command_of(host: Host, name: str) -> bytes:
    return arguments_of(host.pid(name))


def arguments_of(process: int) -> bytes:
    """The command line of a process; empty once it has ended."""
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except FileNotFoundError:
        return b""


def test_user_data_runs_with_its_output_in_the_boot_log(host: Host) -> None:
    done = host.boot("#!/bin/bash\necho said\necho complained >&2\nexit 3\n")
    assert (done.returncode, done.stdout, done.stderr) == (3, "said\n", "complained\n")
    assert sorted(host.boot_log.splitlines()) == ["complained", "said"]


@pytest.mark.parametrize(("failures", "codes"), [(2, [1, 1, 0]), (None, [1, 1, 1])])
def test_a_package_source_fails_as_often_as_it_is_told_to(host: Host, failures: int | None, codes: list[int]) -> None:
    host.surround(HostSurroundings(package_failures=failures))
    assert [host.run("dnf", "install", "--assumeyes", "docker").returncode for _ in range(3)] == codes


def test_packages_nobody_has_and_other_uses_are_refused(host: Host) -> None:
    assert "Unable to find a match: redis9" in host.run("dnf", "install", "--assumeyes", "redis9").stderr
    assert host.run("dnf", "remove", "docker").returncode == 1


def test_a_program_is_not_there_before_its_package(host: Host) -> None:
    assert host.run("docker", "ps").returncode == 127
    host.run("dnf", "install", "--assumeyes", "docker")
    assert "unknown command: docker ps" in host.run("docker", "ps").stderr


def test_docker_refuses_what_docker_refuses(host: Host) -> None:
    host.run("dnf", "install", "--assumeyes", "docker")
    host.surround(HostSurroundings(images=[f"{REGISTRY}/app:1"]))
    host.write("image/entry", "#!/bin/sh\necho here\n", executable=True)
    assert "no basic auth credentials" in host.run("docker", "pull", f"{REGISTRY}/app:1").stderr
    host.run("docker", "login", "--username", "AWS", "--password-stdin", REGISTRY, text="token")
    assert "manifest unknown" in host.run("docker", "pull", f"{REGISTRY}/app:2").stderr
    assert host.run("docker", "pull", f"{REGISTRY}/app:1").returncode == 0
    assert "unknown flag: --gpu" in host.run("docker", "run", "--gpu", f"{REGISTRY}/app:1").stderr
    assert "cannot specify both" in host.run("docker", "run", "--rm", "--restart=always", f"{REGISTRY}/app:1").stderr
    assert host.run("docker", "run", "-d", "--name", "app", f"{REGISTRY}/app:1").stdout == "here\n"
    assert "is in use" in host.run("docker", "run", "-d", "--name", "app", f"{REGISTRY}/app:1").stderr


def test_a_container_that_stays_runs_again_however_it_ends_until_it_is_removed(host: Host) -> None:
    host.run("dnf", "install", "--assumeyes", "docker")
    counted = host.root / "counted"
    host.write("image/entry", f'#!/bin/sh\necho "$WORD" >>"{counted}"\nexec sleep 0.2\n', executable=True)
    host.write("image/stays", "")
    host.write("words", "WORD=a 'b' \"c\" $d\n")
    image = "example.org/app:1"
    host.run("docker", "pull", image)
    started = host.run("docker", "run", "-d", "--name", "app", "--env-file", str(host.root / "words"), image)
    assert started.returncode == 0, started.stderr
    until(lambda: counted.exists() and len(counted.read_text().splitlines()) >= 2)
    assert set(counted.read_text().splitlines()) == {"a 'b' \"c\" $d"}
    host.write("image/entry", "#!/bin/sh\nexec sleep 60\n", executable=True)

    def running() -> bool:
        (container,) = json.loads(host.run("docker", "container", "inspect", "app").stdout)
        return bool(container["State"]["Running"])

    until(running)
    assert host.run("docker", "rm", "-fv", "app").returncode == 0
    assert host.systemctl("is-active", "container-app.service").stdout == "inactive\n"
    assert host.run("docker", "container", "inspect", "app").returncode == 1


def test_a_service_starts_again_however_it_ends_until_it_is_stopped(host: Host) -> None:
    counted = host.root / "counted"
    host.write("bin/count", f'#!/bin/sh\necho once >>"{counted}"\n', executable=True)
    unit(host, "count.service", "ExecStart=/bin/count", "Restart=always", "RestartSec=2")
    assert host.systemctl("start", "count.service").returncode == 0
    until(lambda: counted.exists() and len(counted.read_text().splitlines()) >= 3)
    assert host.systemctl("stop", "count.service").returncode == 0
    assert host.systemctl("is-active", "count.service").stdout == "inactive\n"


def test_restarts_at_the_same_time_leave_one_process(host: Host) -> None:
    ran = host.root / "ran"
    host.write("bin/stay", f'#!/bin/sh\necho $$ >>"{ran}"\nexec sleep 900\n', executable=True)
    unit(host, "stay.service", "ExecStart=/bin/stay")
    assert host.systemctl("start", "stay.service").returncode == 0
    with ThreadPoolExecutor(3) as operators:
        done = list(operators.map(lambda _: host.systemctl("restart", "stay.service").returncode, range(3)))
    assert done == [0, 0, 0]
    until(lambda: b"sleep" in command_of(host, "stay.service"))  # one that was stopped early has written nothing
    processes = [int(number) for number in ran.read_text().split()]
    stays = [host.pid("stay.service")]
    until(lambda: [number for number in processes if arguments_of(number)] == stays)


def test_a_service_has_stopped_where_nobody_asks_how_it_ended(host: Host) -> None:
    """In a container without a program that takes in orphans, what has ended goes on to exist."""
    unit(host, "stay.service", "ExecStart=/bin/sleep 900")
    first_process = (
        "import ctypes, subprocess\nassert ctypes.CDLL(None).prctl(36, 1, 0, 0, 0) == 0  # PR_SET_CHILD_SUBREAPER\n"
        "for verb in ('start', 'stop'):\n    subprocess.run(['systemctl', verb, 'stay.service'], check=True, timeout=60)\n"
    )
    done = host.run(sys.executable, "-c", first_process)
    assert done.returncode == 0, done.stderr


def test_a_start_fails_when_what_it_needs_fails_and_is_tried_again(host: Host) -> None:
    unit(host, "first.service", "Type=oneshot", "ExecStart=/bin/false")
    host.write(
        "etc/systemd/system/second.service", "[Unit]\nRequires=first.service\n[Service]\nExecStart=/bin/sleep 9\n"
    )
    refused = host.systemctl("start", "second.service")
    assert (refused.returncode, "A dependency job for second.service failed" in refused.stderr) == (1, True)
    unit(host, "third.service", "ExecStartPre=/usr/bin/test -e ready", f"WorkingDirectory={host.root}",
         "ExecStart=/bin/sleep 900", "Restart=always", "RestartSec=5")  # fmt: skip
    refused = host.systemctl("start", "third.service")
    assert "Job for third.service failed because the control process exited" in refused.stderr
    host.write("ready", "")
    until(lambda: b"sleep" in command_of(host, "third.service"))


def test_a_path_starts_its_service_at_every_change_of_its_file_and_not_for_its_being_there(host: Host) -> None:
    counted, asked = host.root / "counted", host.write("asked", "")
    host.write("bin/count", f'#!/bin/sh\necho once >>"{counted}"\n', executable=True)
    unit(host, "count.service", "Type=oneshot", "ExecStart=/bin/count")
    host.write("etc/systemd/system/count.path", "[Path]\nPathChanged=/asked\n[Install]\nWantedBy=multi-user.target\n")

    def times() -> int:
        return len(counted.read_text().splitlines()) if counted.exists() else 0

    assert host.systemctl("enable", "--now", "count.path").returncode == 0
    assert host.systemctl("is-active", "count.path").stdout == "active\n"
    host.write("another", "")
    for expected in (1, 2):
        assert times() == expected - 1
        asked.write_text(str(expected))
        until(lambda expected=expected: times() == expected)
    asked.unlink()
    until(lambda: times() == 3)
    assert host.systemctl("stop", "count.path").returncode == 0
    asked.write_text("nobody looks")
    time.sleep(0.3)
    assert times() == 3


def test_a_path_is_refused_without_a_service_and_without_a_file_to_watch(host: Host) -> None:
    unit(host, "idle.service", "Type=oneshot", "ExecStart=/bin/true")
    for name, line, said in (
        ("lonely.path", "PathChanged=/asked", "Unit lonely.service not found."),
        ("idle.path", "", "idle.path: Path unit lacks path setting. Refusing."),
        ("idle.path", "PathChanged=asked", "PathChanged= path is not absolute and normalized: asked"),
        ("idle.path", "PathChanged=/x/../asked", "PathChanged= path is not absolute and normalized: /x/../asked"),
    ):
        host.write(f"etc/systemd/system/{name}", f"[Path]\n{line}\n")
        refused = host.systemctl("start", name)
        assert refused.returncode != 0
        assert said in refused.stderr


def test_systemctl_refuses_what_it_does_not_know(host: Host) -> None:
    assert host.systemctl("start", "gone.service").returncode == 5
    assert "Unknown command verb" in host.systemctl("frobnicate", "gone.service").stderr
    unit(host, "odd.service", "ExecStart=/bin/true", "WatchdogSec=1")
    assert "this host cannot do 'WatchdogSec=1'" in host.systemctl("start", "odd.service").stderr


def test_a_host_is_shut_down_in_writing_only(host: Host) -> None:
    assert host.run("shutdown", "-h", "soon").returncode == 1
    assert not host.calls[1:]
    assert host.run("shutdown", "-h", "+10").returncode == 0
    assert host.ends_itself


def test_keys_are_a_roles_or_users_own(
    emulator: Emulator, account: str, aws: Callable[..., Any], tmp_path: Path
) -> None:
    operator = Aws(emulator.environment(account_id=account, region=REGION))
    role = aws("iam").create_role(RoleName="web", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
    user = aws("iam").create_user(UserName="php")["User"]["Arn"]
    environment = emulator.full_environment(account_id=account, region=REGION)
    for arn, signed in ((role, f"arn:aws:sts::{account}:assumed-role/web/web"), (user, user)):
        host = Host(tmp_path / arn.rpartition("/")[2], environment | keys_of(operator, arn, region=REGION))
        done = host.run("aws", "sts", "get-caller-identity", "--query", "Arn", "--output", "text")
        assert done.stdout.strip() == signed, done.stderr
        host.surround(HostSurroundings(network=False))
        assert "Could not connect" in host.run("aws", "sts", "get-caller-identity").stderr
    with pytest.raises(OperatorError, match="bucket has no keys: give the ARN of an IAM role or user"):
        keys_of(operator, "arn:aws:s3:::bucket", region=REGION)
