"""A look into two MySQL databases: what is compared, and what is refused; MariaDB plays the server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from operations.engines import mariadb as mariadb_engine
from operations.engines.mariadb import MariaDb
from operations.engines.server import HOST, free_port
from operations.errors import OperatorError
from operations.restore.contents import TableContents
from operations.restore.mysql_look import MysqlLook
from operations.restore.place import DatabasePlace
from operations.stacks import Stack
from tests.engines import there

pytestmark = [pytest.mark.engines, pytest.mark.usefixtures("session_manager")]


def instance(name: str, port: int) -> dict[str, Any]:
    """An instance at this machine's `port`."""
    endpoint = {"Address": HOST, "Port": port}
    return {"DBInstanceIdentifier": name, "Endpoint": endpoint, "MasterUserSecret": {"SecretArn": f"arn:{name}"}}


@pytest.fixture(scope="module")
def mariadb() -> Iterator[MariaDb]:
    """A server that no other test has left a database on: a look tells everything that there is."""
    with there(mariadb_engine.mariadb()) as server:
        yield server


@pytest.fixture
def database(mariadb: MariaDb) -> Iterator[Any]:
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE contest")
        cursor.execute("CREATE TABLE contest.`odd``name` (n INT)")
        cursor.execute("CREATE TABLE contest.empty (n INT)")
        yield cursor
        cursor.execute("DROP DATABASE contest")


def look(server: MariaDb, *, hosts: tuple[str, ...] = ("i-1",)) -> MysqlLook:
    """A look with the login of `server`."""
    secret = {"SecretString": json.dumps({"username": server.user, "password": server.password})}
    client: Any = SimpleNamespace(get_secret_value=lambda SecretId: secret)  # noqa: N803 - boto3's own
    aws: Any = SimpleNamespace(client=lambda service, region: client)
    stack = Stack("x-dev", "x", "dev", Path(), "eu-central-1", "123456789012", None)
    return MysqlLook(DatabasePlace(aws, stack, Path(), "", "", "", ""), lambda: hosts)


def test_tables_and_those_with_rows_are_counted_beside_those_of_until_now(mariadb: MariaDb, database: Any) -> None:
    database.execute("INSERT INTO contest.`odd``name` VALUES (1)")
    found = look(mariadb)
    assert found.contents(instance("new", mariadb.port)).tables == {"contest.empty": False, "contest.odd`name": True}
    said = found.compare(instance("new", mariadb.port), instance("old", mariadb.port))
    assert said == "2 tables, 1 of them with rows; until now: 2 tables, 1 of them with rows"
    assert found.compare(instance("new", mariadb.port), None).endswith("the database of until now is gone")


def test_an_old_database_that_does_not_answer_is_no_hindrance(mariadb: MariaDb, database: Any) -> None:
    database.execute("INSERT INTO contest.`odd``name` VALUES (1)")
    said = look(mariadb).compare(instance("new", mariadb.port), instance("old", free_port()))
    assert said.endswith("the database of until now does not answer")


@pytest.mark.usefixtures("database")
def test_an_empty_database_is_refused_where_the_old_one_may_hold_something(mariadb: MariaDb) -> None:
    found = look(mariadb)
    with pytest.raises(OperatorError, match=r"new is empty: 2 tables, 0 of them with rows\. Nothing was switched"):
        found.compare(instance("new", mariadb.port), None)
    with pytest.raises(OperatorError, match="is empty"):
        found.compare(instance("new", mariadb.port), instance("old", free_port()))
    assert "until now: 2 tables, 0 of" in found.compare(instance("new", mariadb.port), instance("old", mariadb.port))


def test_tables_that_would_lose_their_rows_are_named(mariadb: MariaDb, monkeypatch: pytest.MonkeyPatch) -> None:
    held = {"new": {"a.b": True, "a.c": False}, "old": {"a.b": True, "a.c": True, "a.d": True}}
    monkeypatch.setattr(MysqlLook, "contents", lambda _, found: TableContents(held[found["DBInstanceIdentifier"]]))
    said = look(mariadb).compare(instance("new", 1), instance("old", 1))
    assert said.endswith("; 2 tables that have rows now would have none: a.c, a.d")


def test_an_application_without_instances_is_refused_before_anything_is_restored(mariadb: MariaDb) -> None:
    with pytest.raises(OperatorError, match="No instance of x-dev is in service"):
        look(mariadb, hosts=()).ready()
