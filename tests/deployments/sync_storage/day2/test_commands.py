"""The command line of Sync Storage: what it refuses before it talks to anyone, and what it says of host names."""

from __future__ import annotations

import http.server
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest
from typer.testing import CliRunner

from deployments.sync_storage.day2 import commands
from deployments.sync_storage.day2.host_names import ask_all
from operations.errors import OperatorError
from operations.state import one_operator
from tests.deployments.sync_storage.day2.sync_storage_support import DOMAIN, Account, make_account, make_world
from tests.http_server import serving

NAMES = [f"http://a-{number}.{DOMAIN}" for number in range(10)]


@pytest.fixture(scope="module")
def balancer() -> Iterator[str]:
    """Answers for every host name but a-7, as a load balancer does when no rule fits."""

    class Answers(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            fine = self.path == "/__heartbeat__" and self.headers["Host"] != f"a-7.{DOMAIN}"
            self.send_response(200 if fine else 503)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with serving(Answers) as port:
        yield f"127.0.0.1:{port}"


def test_each_host_name_is_asked_over_the_load_balancer(balancer: str) -> None:
    answers = ask_all(NAMES, through=balancer, timeout_seconds=60)
    assert [answer.name for answer in answers if not answer.fine] == [f"http://a-7.{DOMAIN}"]
    assert {answer.said for answer in answers if answer.fine} == {"200 OK"}


def test_a_load_balancer_that_is_not_there_fails_every_host_name() -> None:
    answers = ask_all(NAMES[:2], through="127.0.0.1:1", timeout_seconds=5)
    assert [answer.fine for answer in answers] == [False, False]
    assert "refused" in answers[0].said


def test_https_wants_a_certificate_for_the_host_name(balancer: str) -> None:
    (answer,) = ask_all([f"https://a-0.{DOMAIN}"], through=balancer, timeout_seconds=60)
    assert not answer.fine


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["add-node", "a", "--capacity", "100"], "Give --token-server or --sql"),
        (["add-node", "a", "--capacity", "0", "--sql", "x"], "--capacity"),
        (["add-node", "a", "--capacity", "1", "--token-server", "mysql://u:p@h/d"], "password"),
        (["secrets", "retire", "--grace", "soon"], "--grace"),
        (["check", "--through", "http://x"], "neither host nor host:port"),
        (["refresh", "--batch-size", "0"], "--batch-size"),
    ],
)
def test_wrong_usage_is_refused_with_exit_code_2(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(commands.app, arguments, env={"TERMINAL_WIDTH": "300", "COLUMNS": "300"})
    assert result.exit_code == 2
    assert message in result.output


@pytest.fixture(scope="module")
def shared(emulator: object) -> Account:
    return make_account(emulator, "310000000004")  # type: ignore[arg-type]


def test_status_and_refresh_run_against_an_applied_stack(
    shared: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(shared, tmp_path, nodes=("a", "b"))
    monkeypatch.setattr(commands, "_deployed", lambda _: world.deployed)
    world.rotation().create(world.deployed.nodes()["a"])
    runner = CliRunner()
    before = runner.invoke(commands.app, ["secrets", "status"], env={"COLUMNS": "200"}).output
    assert "not yet" in before
    assert "none yet" in before
    dry = runner.invoke(commands.app, ["refresh", "--dry-run"])
    assert "Would render on 2 webheads" in dry.output
    assert runner.invoke(commands.app, ["refresh"]).exit_code == 0
    assert "yes" in runner.invoke(commands.app, ["secrets", "status"], env={"COLUMNS": "200"}).output


def test_a_node_that_terraform_has_not_made_is_refused_with_what_to_do(
    shared: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = make_world(shared, tmp_path)
    monkeypatch.setattr(commands, "_deployed", lambda _: world.deployed)
    result = CliRunner().invoke(commands.app, ["add-node", "z", "--capacity", "1", "--sql", str(tmp_path / "x")])
    assert result.exit_code == 1
    assert "There is no node z; nodes of test: a." in str(result.exception)
    assert "Add [nodes.z] to deployments/sync_storage/environments/test.toml" in str(result.exception)


@pytest.mark.parametrize(
    "words",
    [
        ["add-node", "a", "--capacity", "1", "--sql", "x"],
        ["secrets", "add"],
        ["secrets", "publish"],
        ["secrets", "retire"],
        ["refresh"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_every_command_that_changes_something_is_one_operators_at_a_time(
    words: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(aws: object, stack: object, operation: str, *, dry_run: bool) -> NoReturn:
        raise OperatorError(f"somebody else runs {operation}, dry run {dry_run}")

    monkeypatch.setattr(commands, "_deployed", lambda _: SimpleNamespace(aws=None, stack=None))
    monkeypatch.setattr(one_operator, "one_operator", held)
    done = CliRunner().invoke(commands.app, words)
    name = " ".join(words[:2]) if words[0] == "secrets" else words[0]
    assert str(done.exception) == f"somebody else runs {name}, dry run False"
