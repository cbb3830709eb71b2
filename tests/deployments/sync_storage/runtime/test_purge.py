"""The purge of expired rows, on a real server with the tables and the login that nodes have."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from deployments.sync_storage.runtime import purge
from deployments.sync_storage.stack import TABLES
from modules.handlers import mysql_databases as databases
from operations.engines.mariadb import MariaDb
from tests.deployments.sync_storage.day2.sync_storage_support import function_variables

pytestmark = pytest.mark.engines

DATABASES = [f"syncstorage{number}" for number in range(10)]
PATH = "/sync-storage/dev/nodes"
PASSWORD = "0123456789abcdef" * 4
NOW = int(time.time())
DAY = 86_400


@pytest.fixture
def node(mariadb: MariaDb, aws: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> MariaDb:
    """A node in service, and the webheads' login; the rows are those that nothing may delete."""
    monkeypatch.setattr(databases, "TABLES", TABLES)
    monkeypatch.setattr(purge, "boto3", SimpleNamespace(client=aws))
    for name, value in {**function_variables(), "NODES_PATH": PATH, "APPLICATION_SECRET": "application-user"}.items():
        monkeypatch.setenv(name, value)
    with mariadb.connect() as connection, connection.cursor() as cursor:
        for name in DATABASES:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
        databases.prepare(connection, DATABASES, "syncstorage_app", PASSWORD)
    add_entry(aws, "a", mariadb.port)
    login = json.dumps({"username": "syncstorage_app", "password": PASSWORD})
    aws("secretsmanager").create_secret(Name="application-user", SecretString=login)
    execute(
        mariadb,
        "INSERT INTO syncstorage3.bso (userid, collection, id, modified, payload, ttl) VALUES "
        f"(1, 1, 'lasts', 0, '', 2100000000), (1, 1, 'just expired', 0, '', {NOW - 3600})",
        f"INSERT INTO syncstorage3.batch_uploads VALUES ({(NOW - 3600) * 1000}, 1, 1)",
    )
    return mariadb


def add_entry(aws: Callable[..., Any], name: str, port: int) -> None:
    entry = {"address": "127.0.0.1", "port": port, "host_names": [f"{name}-{number}" for number in range(10)]}
    aws("ssm").put_parameter(Name=f"{PATH}/{name}", Value=json.dumps(entry), Type="String")


def execute(server: MariaDb, *statements: str) -> None:
    with server.connect() as connection, connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def add_expired(server: MariaDb, number: int) -> None:
    """So many rows that expired two days ago, in one statement."""
    execute(
        server,
        "INSERT INTO syncstorage3.bso (userid, collection, id, modified, payload, ttl) "
        f"SELECT 2, 1, seq, 0, '', {NOW - 2 * DAY} FROM syncstorage3.seq_1_to_{number}",
        f"INSERT INTO syncstorage3.batch_uploads VALUES ({(NOW - 2 * DAY) * 1000}, 1, 1)",
        f"INSERT INTO syncstorage3.batch_upload_items (batch, userid, id) VALUES ({(NOW - 2 * DAY) * 1000}, 1, 'x')",
    )


def rows(server: MariaDb, table: str) -> int:
    with server.connect("syncstorage3") as connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT COUNT(*) FROM {table}")
        (number,) = cursor.fetchone() or (-1,)
    return int(number)


def lasting(seconds: float) -> SimpleNamespace:
    """The context that Lambda hands to a function that has so long."""
    return SimpleNamespace(get_remaining_time_in_millis=lambda: int(seconds * 1000))


def test_rows_that_expired_a_day_ago_are_deleted_and_all_others_stay(node: MariaDb) -> None:
    add_expired(node, 2500)
    assert purge.handle({}, lasting(900)) == {"purged": {"a": 2502}}
    assert (rows(node, "bso"), rows(node, "batch_uploads"), rows(node, "batch_upload_items")) == (2, 1, 0)
    assert purge.handle({}, lasting(900)) == {"purged": {"a": 0}}


def test_a_node_out_of_reach_fails_the_purge_after_all_others_are_purged(
    node: MariaDb, aws: Callable[..., Any]
) -> None:
    add_entry(aws, "b", 1)
    add_expired(node, 1)
    with pytest.raises(purge.PurgeError, match=r"^b: .*127\.0\.0\.1"):
        purge.handle({}, lasting(900))
    assert rows(node, "bso") == 2


def test_rows_that_are_left_when_the_time_is_over_fail_the_purge_with_their_number(node: MariaDb) -> None:
    add_expired(node, 3)
    with pytest.raises(purge.PurgeError, match=r"^a: 5 expired rows are left, the time is over$"):
        purge.handle({}, lasting(purge.SPARE_SECONDS))
    assert rows(node, "bso") == 5


def test_without_a_node_in_service_there_is_nothing_to_purge(node: MariaDb, aws: Callable[..., Any]) -> None:
    aws("secretsmanager").delete_secret(SecretId="application-user", ForceDeleteWithoutRecovery=True)
    aws("secretsmanager").create_secret(Name="application-user")
    assert purge.handle({}, lasting(900)) == {"purged": {}}


def test_a_collection_of_a_users_own_is_numbered_beyond_those_that_all_users_have(node: MariaDb) -> None:
    execute(node, "INSERT INTO syncstorage0.collections (name) VALUES ('own')")
    with node.connect("syncstorage0") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT collectionid FROM collections")
        assert (cursor.fetchone() or (0,))[0] >= 100  # FIRST_CUSTOM_COLLECTION_ID
