"""A port that leads through a session; a program stands for the AWS command line."""

from __future__ import annotations

import socket
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.request import urlopen

import pytest

from operations.errors import OperatorError
from operations.instances.port_forwarding import check_programs, forwarded
from tests.http_server import serving

REGION = "eu-central-1"


class Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")


@pytest.mark.usefixtures("session_manager")
def test_the_port_leads_there_while_the_block_runs_and_nowhere_afterwards() -> None:
    with serving(Hello) as port, forwarded("i-1", "127.0.0.1", port, region=REGION) as local:
        answer = urlopen(f"http://127.0.0.1:{local}/", timeout=60)
        assert answer.read() == b"hello"
    give_up = time.monotonic() + 60
    while time.monotonic() < give_up:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", local)):
                return
        time.sleep(0.1)
    pytest.fail("the session's child still listens")


def test_a_session_that_is_refused_is_answered_with_what_the_program_said(session_manager: pytest.MonkeyPatch) -> None:
    session_manager.setenv("SESSION_REFUSED", "TargetNotConnected: i-1 is not connected.")
    refused = forwarded("i-1", "db", 3306, region=REGION)
    with pytest.raises(OperatorError, match=r"through i-1 to db:3306: TargetNotConnected: i-1 is not connected\."):
        refused.__enter__()


def test_missing_programs_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OperatorError, match="aws and session-manager-plugin not found"):
        check_programs()
