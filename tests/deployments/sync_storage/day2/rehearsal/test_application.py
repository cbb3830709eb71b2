"""The program that stands in for server-syncstorage: what it refuses, as the real one does."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from deployments.sync_storage.day2.rehearsal.command import gunicorn_of
from deployments.sync_storage.day2.rehearsal.sync_client import SyncClient
from deployments.sync_storage.runtime import render
from deployments.sync_storage.stack import TABLES
from modules.handlers import mysql_databases as databases
from operations.engines.mariadb import MariaDb
from operations.engines.server import Engine, free_port
from operations.errors import OperatorError
from tests.deployments.sync_storage.day2.sync_storage_support import function_variables

pytestmark = pytest.mark.engines

NODE, SECRET, FOLDER = "https://a-0.example.org", "ab" * 32, "/etc/mozilla-services/syncstorage"
PROGRAM = [sys.executable, "-m", "deployments.sync_storage.day2.rehearsal.application"]
Start = Callable[..., SyncClient]


@pytest.fixture
def start(mariadb: MariaDb, memcached: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """`start(tables=True)`: a user of the program, whose files are those of a webhead."""
    folder = tmp_path / FOLDER.lstrip("/")
    folder.mkdir(parents=True)
    with ExitStack() as running:

        def started(*, tables: bool = True) -> SyncClient:
            for name, value in function_variables().items():
                monkeypatch.setenv(name, value)
            monkeypatch.setattr(databases, "TABLES", TABLES if tables else tmp_path / "none")
            with mariadb.connect() as connection, connection.cursor() as cursor:
                cursor.execute("DROP DATABASE IF EXISTS syncstorage0")
                databases.prepare(connection, ["syncstorage0"], "syncstorage_app", "password")
            entry = {"address": mariadb.host, "port": mariadb.port, "host_names": ["a-0.example.org"]}
            login = {"username": "syncstorage_app", "password": "password"}
            ini = render.production_ini(f"{memcached.host}:{memcached.port}", [entry], login)
            (folder / "production.ini").write_text(ini)
            (folder / "secrets").write_text(f"{NODE},1700000000:{SECRET}\n")
            port = free_port()
            process = running.enter_context(run(tmp_path, "--bind", f"127.0.0.1:{port}"))
            running.callback(process.terminate)
            client = SyncClient(NODE, 7, SECRET, (port,))
            give_up = time.monotonic() + 60
            while True:
                try:
                    client.configuration()
                except ConnectionRefusedError:
                    assert time.monotonic() < give_up
                    time.sleep(0.1)
                else:
                    return client

        yield started


def run(root: Path, *options: str) -> subprocess.Popen[str]:
    ini = str(root / FOLDER.lstrip("/") / "production.ini")
    command = [*PROGRAM, "--paste", ini, "--log-config", ini, *options]
    environment = {**os.environ, "STAND_IN_ROOT": str(root)}
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def test_an_item_is_stored_and_comes_back_and_tabs_are_in_no_database(start: Start, mariadb: MariaDb) -> None:
    client = start()
    for collection in ("bookmarks", "tabs"):
        assert client.put(collection, "item", "payload").status == 200
        assert client.get(collection, "item").json()["payload"] == "payload"
    with mariadb.connect("syncstorage0") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT collection FROM bso")
        assert cursor.fetchall() == ((7,),)


def test_another_secret_another_host_and_another_user_are_refused(start: Start) -> None:
    client = start()
    for stranger in (
        SyncClient(NODE, 7, "cd" * 32, client.ports),
        SyncClient("http://a-0.example.org", 7, SECRET, client.ports),
        SyncClient("https://b-0.example.org", 7, SECRET, client.ports),
    ):
        assert stranger.get("bookmarks", "item").status == 401


def test_without_tables_nothing_is_stored_and_none_are_made(start: Start, mariadb: MariaDb) -> None:
    assert start(tables=False).put("bookmarks", "item", "payload").status == 503
    with mariadb.connect("syncstorage0") as connection, connection.cursor() as cursor:
        assert cursor.execute("SHOW TABLES") == 0


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("[server:main]", "[other]", "No section 'main' (prefixed by 'server')"),
        ("use = egg:gunicorn\n", "", "No loader given"),
    ],
)
def test_without_a_server_section_that_uses_gunicorn_it_does_not_start(
    before: str, after: str, reason: str, tmp_path: Path
) -> None:
    folder = tmp_path / FOLDER.lstrip("/")
    folder.mkdir(parents=True)
    ini = render.production_ini("127.0.0.1:1", [], {})
    (folder / "production.ini").write_text(ini.replace(before, after))
    with run(tmp_path, "--bind", "127.0.0.1:1") as process:
        said = process.communicate(timeout=60)[1]
    assert process.returncode == 1
    assert reason in said


def test_options_that_gunicorn_does_not_know_are_refused(tmp_path: Path) -> None:
    with run(tmp_path, "--bind", "127.0.0.1:1", "--no-such-option") as process:
        assert "--no-such-option" in process.communicate(timeout=60)[1]
    assert process.returncode == 2


def test_a_checkout_without_its_packages_is_refused_with_how_to_install_them(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match=r"local/bin/gunicorn is not there") as refusal:
        gunicorn_of(tmp_path)
    assert "virtualenv --python python2.7 local" in str(refusal.value.hint)


def test_what_webheads_sign_to_see_whether_they_serve_a_host_name_is_accepted(start: Start) -> None:
    (port,) = start().ports
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", render.USER_0, headers=render.signed(NODE, SECRET))
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())) == (200, {"max_request_bytes": 2101248})
    connection.close()
