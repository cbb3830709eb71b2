from __future__ import annotations

import socket
from pathlib import Path
from typing import TYPE_CHECKING

import pymysql
import pytest
import redis

from operations.engines.server import EngineError
from tests.engines import need

if TYPE_CHECKING:
    from operations.engines.mariadb import MariaDb
    from operations.engines.postgresql import PostgreSql
    from operations.engines.redis_cluster import RedisCluster
    from operations.engines.server import Engine


@pytest.mark.parametrize(("ci", "outcome"), [("", pytest.skip.Exception), ("true", pytest.fail.Exception)])
def test_a_missing_engine_skips_tests_but_fails_them_in_ci(
    monkeypatch: pytest.MonkeyPatch, ci: str, outcome: type[Exception]
) -> None:
    monkeypatch.setenv("CI", ci)
    with pytest.raises(outcome, match="no-such-program not found; on Debian: apt-get install --yes some-package"):
        need("some-package", "sh", "no-such-program")


@pytest.mark.engines
def test_mariadb_keeps_its_data_while_it_is_stopped(mariadb: MariaDb) -> None:
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE OR REPLACE DATABASE engines")
        cursor.execute("CREATE TABLE engines.kept (text VARCHAR(10))")
        cursor.execute("INSERT INTO engines.kept VALUES ('café')")
    with mariadb.stopped(), pytest.raises(pymysql.OperationalError, match="refused"):
        mariadb.connect()
    with mariadb.connect("engines") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT text FROM kept")
        assert cursor.fetchall() == (("café",),)


@pytest.mark.engines
def test_mariadb_shares_no_folder_for_temporary_tables(mariadb: MariaDb) -> None:
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT @@tmpdir, @@datadir")
        ((temporary, data),) = cursor.fetchall()
    assert Path(temporary).parent == Path(data).parent


@pytest.mark.engines
def test_postgresql_answers_queries(postgresql: PostgreSql) -> None:
    assert postgresql.psql("SELECT 1, 'two'") == "1|two"
    with postgresql.stopped(), pytest.raises(EngineError, match="refused"):
        postgresql.psql("SELECT 1")
    assert postgresql.psql("SELECT 2") == "2"


@pytest.mark.engines
def test_redis_cluster_serves_every_slot_and_comes_back_whole(redis_cluster: RedisCluster) -> None:
    with redis.RedisCluster(host=redis_cluster.host, port=redis_cluster.port) as client:
        for number in range(50):
            assert client.set(f"key-{number}", number)
        assert len(client.get_primaries()) == 3
    with redis_cluster.stopped(), pytest.raises(redis.ConnectionError):
        redis.Redis(redis_cluster.host, redis_cluster.port).ping()
    with redis.RedisCluster(host=redis_cluster.host, port=redis_cluster.port) as client:
        assert client.ping()


@pytest.mark.engines
def test_memcached_answers_unless_it_is_frozen(memcached: Engine) -> None:
    with socket.create_connection((memcached.host, memcached.port), timeout=5) as connection:
        connection.sendall(b"set a 0 0 1\r\nx\r\nget a\r\n")
        assert connection.recv(100).startswith(b"STORED")
    with memcached.frozen(), socket.create_connection((memcached.host, memcached.port), timeout=0.2) as connection:
        connection.sendall(b"version\r\n")
        with pytest.raises(TimeoutError):
            connection.recv(100)
