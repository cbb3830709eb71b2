"""`quintet shell` in a task: AWS's own command line, as it is locked, against an ECS that answers as AWS's models say.

No emulator has ECS Exec. The command line calls ExecuteCommand, asks for the container's runtime id, and hands both to
the plugin: awscli/customizations/ecs/executecommand.py, which runs here. The refusal's words are AWS's, as reported in
fabfuel/ecs-deploy#193 and aws/amazon-ecs-agent#3166, read 2026-11-29.
"""

from __future__ import annotations

import http.server
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from operations.running.shells import ShellTarget, open_shell, shell_targets

REGION = "eu-central-1"
CLUSTER, TASK, RUNTIME = "example-tables", "0123456789abcdef0123456789abcdef", "0123-987"
PLACE = f"arn:aws:ecs:{REGION}:123456789012"
SESSION = {"sessionId": "ecs-execute-command-1", "streamUrl": "wss://example", "tokenValue": "token"}
NOT_ENABLED = (
    "The execute command failed because execute command was not enabled when the task was run or the execute command"
    " agent isn’t running. Wait and try again or run a new task with execute command enabled and try again."
)


class Ecs(http.server.BaseHTTPRequestHandler):
    """One cluster with one task; `enabled` says whether it was run with ECS Exec."""

    enabled: ClassVar[bool] = True
    asked: ClassVar[list[tuple[str, dict[str, Any]]]] = []

    def do_POST(self) -> None:
        action = self.headers["X-Amz-Target"].rpartition(".")[2]
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append((action, given))
        task = f"{PLACE}:task/{CLUSTER}/{TASK}"
        container = {"name": "sync", "runtimeId": RUNTIME, "lastStatus": "RUNNING"}
        status, answer = 200, {}
        if action == "ListTasks":
            answer = {"taskArns": [task]}
        elif action == "DescribeTasks":
            answer = {"tasks": [{"taskArn": task, "enableExecuteCommand": self.enabled, "containers": [container]}]}
        elif not self.enabled:
            status, answer = 400, {"__type": "InvalidParameterException", "message": NOT_ENABLED}
        else:
            cluster = f"{PLACE}:cluster/{CLUSTER}"
            answer = {"clusterArn": cluster, "taskArn": task, "containerName": "sync", "session": SESSION}
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/x-amz-json-1.1")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class Applied:
    """An applied stack with a cluster, as far as shells ask about it."""

    def __init__(self, endpoint: str) -> None:
        self._endpoint = endpoint

    def names(self, resource_type: str) -> list[str]:
        return [CLUSTER] if resource_type == "aws_ecs_cluster" else []

    def client(self, service: str) -> Any:
        import boto3

        keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
        return boto3.client(service, REGION, endpoint_url=self._endpoint, **keys)


@pytest.fixture
def ecs() -> Iterator[str]:
    Ecs.enabled = True
    Ecs.asked.clear()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Ecs) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def environment(ecs: str, tmp_path: Path) -> dict[str, str]:
    """A PATH with the locked command line, and a plugin that writes down the arguments of its last start."""
    plugin = tmp_path / "session-manager-plugin"
    plugin.write_text(f'#!/bin/sh\n[ $# -eq 0 ] || printf "%s\\n" "$@" > {tmp_path}/arguments\n')
    plugin.chmod(0o755)
    (tmp_path / "aws").write_text(f'#!/bin/sh\nexec {sys.executable} -m awscli "$@"\n')
    (tmp_path / "aws").chmod(0o755)
    return {
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "AWS_ENDPOINT_URL": ecs,
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def target(ecs: str) -> ShellTarget:
    (found,) = shell_targets(Applied(ecs))  # type: ignore[arg-type]
    return found


@pytest.mark.slow
def test_awss_command_line_takes_the_arguments_and_starts_the_plugin_in_the_container(
    ecs: str, environment: dict[str, str], tmp_path: Path
) -> None:
    found = target(ecs)
    assert found.id == f"{TASK}/sync"
    assert open_shell(found, region=REGION, environment=environment) == 0
    given = next(given for action, given in Ecs.asked if action == "ExecuteCommand")
    assert given == {"cluster": CLUSTER, "task": TASK, "container": "sync", "interactive": True, "command": "/bin/sh"}
    session, region, operation, profile, wanted, endpoint = (tmp_path / "arguments").read_text().splitlines()
    assert json.loads(session) == SESSION
    assert (region, operation, profile, endpoint) == (REGION, "StartSession", "", ecs)
    assert json.loads(wanted) == {"Target": f"ecs:{CLUSTER}_{TASK}_{RUNTIME}"}


@pytest.mark.slow
def test_a_refusal_of_aws_is_printed_as_it_is_and_fails(
    ecs: str, environment: dict[str, str], tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    found = target(ecs)
    Ecs.enabled = False  # or its agent has stopped since
    assert open_shell(found, region=REGION, environment=environment) != 0
    assert "(InvalidParameterException)" in (said := capfd.readouterr().err)
    assert "run a new task with execute command enabled" in said
    assert not (tmp_path / "arguments").exists()


def test_a_task_without_ecs_exec_is_not_offered(ecs: str) -> None:
    Ecs.enabled = False
    assert shell_targets(Applied(ecs)) == []  # type: ignore[arg-type]
