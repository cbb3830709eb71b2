"""A pytest plugin: real servers from the system's packages, each with data of its own, for the tests of one worker.

The fixtures are `mariadb`, `postgresql`, `redis_cluster` and `memcached`. They listen on free ports of 127.0.0.1. Each
server can be taken away and brought back by `with server.stopped():`, and made to hang by `with server.frozen():`.
A test whose engine is not installed is skipped with the package's name, or fails where CI is set. The kernel ends the
servers when the test run is killed. Mark the tests with `@pytest.mark.engines`.
"""

from __future__ import annotations

import contextlib
import getpass
import os
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

import pymysql
import pytest
import redis

from operations.engines.postgresql import PASSWORD, USER, PostgreSql
from operations.engines.postgresql import postgresql as postgresql_server
from operations.engines.server import (
    HOST,
    Engine,
    MissingEngineError,
    Server,
    free_port,
    private_folder,
    programs_of,
    run_program,
    running,
)

_START_SECONDS = 60


@dataclass(frozen=True)
class MariaDb(Engine):
    """A MariaDB server that offers TLS; `user` may do everything."""

    user: str = USER
    password: str = PASSWORD

    def connect(self, database: str | None = None) -> pymysql.Connection[pymysql.cursors.Cursor]:
        """A connection that commits every statement."""
        return _connect_mariadb(self.port, database)


@dataclass(frozen=True)
class RedisCluster:
    """Three Redis servers in cluster mode, each with a third of the slots."""

    servers: tuple[Server, ...]
    host: str
    ports: tuple[int, ...]

    @property
    def port(self) -> int:
        """Where clients ask for the others, as at ElastiCache's configuration endpoint."""
        return self.ports[0]

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """All three are gone; afterwards the cluster is whole again."""
        with contextlib.ExitStack() as servers:
            for server in self.servers:
                servers.enter_context(server.stopped())
            yield
        self.wait_until_state("ok")

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """All three hang; afterwards the cluster is whole again."""
        with contextlib.ExitStack() as servers:
            for server in self.servers:
                servers.enter_context(server.frozen())
            yield
        self.wait_until_state("ok")

    def wait_until_state(self, state: str, *, ports: Sequence[int] = ()) -> None:
        """Wait until the servers, or those at `ports`, say so: `ok` when all slots are served, `fail` otherwise."""
        give_up = time.monotonic() + _START_SECONDS
        for port in ports or self.ports:
            with redis.Redis(self.host, port) as node:
                while (info := node.execute_command("CLUSTER INFO"))["cluster_state"] != state:
                    if time.monotonic() > give_up:
                        raise RuntimeError(f"the Redis cluster does not become {state}: {info}")
                    time.sleep(0.05)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    """A MariaDB server."""
    mariadbd, install_db = need("mariadb-server", "mariadbd", "mariadb-install-db")
    (openssl,) = need("openssl", "openssl")
    with private_folder("mariadb") as directory:
        port, temporary = free_port(), directory / "tmp"
        temporary.mkdir()
        # A MariaDB server that starts deletes the temporary tables of all others that share its folder for them.
        own = ["--no-defaults", f"--datadir={directory}/data", f"--tmpdir={temporary}", f"--user={getpass.getuser()}"]
        run_program([install_db, *own, "--skip-test-db", "--auth-root-authentication-method=normal"])
        certificate, key = directory / "certificate.pem", directory / "key.pem"
        request = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}"]
        run_program([*request, "-keyout", str(key), "-out", str(certificate)])
        login = directory / "login.sql"
        login.write_text(
            f"CREATE OR REPLACE USER {USER}@'%' IDENTIFIED BY '{PASSWORD}';\n"
            f"GRANT ALL PRIVILEGES ON *.* TO {USER}@'%' WITH GRANT OPTION;\n"
        )
        command = [mariadbd, *own, f"--port={port}", f"--bind-address={HOST}"]
        command += [f"--socket={directory}/socket", f"--pid-file={directory}/pid", f"--init-file={login}"]
        command += ["--skip-name-resolve", f"--ssl-cert={certificate}", f"--ssl-key={key}"]
        with running(command, directory, lambda: _connect_mariadb(port).close()) as server:
            yield MariaDb(server, HOST, port)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSql]:
    """A PostgreSQL server."""
    with contextlib.ExitStack() as stack:
        try:
            server = stack.enter_context(postgresql_server())
        except MissingEngineError as error:
            _missing(error)
        yield server


@pytest.fixture(scope="session")
def redis_cluster() -> Iterator[RedisCluster]:
    """A Redis cluster of three primary nodes."""
    (redis_server,) = need("redis-server", "redis-server")
    with private_folder("redis") as directory, contextlib.ExitStack() as stack:
        ports, bus_ports = [free_port() for _ in range(3)], [free_port() for _ in range(3)]
        servers = []
        for port, bus_port in zip(ports, bus_ports, strict=True):
            folder = directory / str(port)
            folder.mkdir()
            command = [redis_server, "--port", str(port), "--bind", HOST, "--dir", str(folder), "--save", ""]
            command += ["--cluster-enabled", "yes", "--cluster-port", str(bus_port), "--cluster-node-timeout", "2000"]
            servers.append(stack.enter_context(running(command, folder, redis.Redis(HOST, port).ping)))
        bounds = [0, 5461, 10923, 16384]
        for index, port in enumerate(ports):
            with redis.Redis(HOST, port) as node:
                node.execute_command("CLUSTER ADDSLOTSRANGE", bounds[index], bounds[index + 1] - 1)
                node.execute_command("CLUSTER SET-CONFIG-EPOCH", index + 1)
                node.execute_command("CLUSTER MEET", HOST, ports[0], bus_ports[0]) if index else None
        cluster = RedisCluster(tuple(servers), HOST, tuple(ports))
        cluster.wait_until_state("ok")
        yield cluster


@pytest.fixture(scope="session")
def memcached() -> Iterator[Engine]:
    """A memcached server."""
    (program,) = need("memcached", "memcached")
    with private_folder("memcached") as directory:
        port = free_port()

        def ask() -> None:
            with socket.create_connection((HOST, port), timeout=1) as connection:
                connection.sendall(b"version\r\n")
                if not connection.recv(100).startswith(b"VERSION"):
                    raise ConnectionError("no version")

        command = [program, "-l", HOST, "-p", str(port), "-U", "0", "-u", getpass.getuser()]
        with running(command, directory, ask) as server:
            yield Engine(server, HOST, port)


def need(package: str, *programs: str, folder: Path | None = None) -> list[str]:
    """Paths of a package's programs; when one is missing the test is skipped, or fails where CI is set."""
    try:
        return programs_of(package, *programs, folder=folder)
    except MissingEngineError as error:
        _missing(error)


def _missing(error: MissingEngineError) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(str(error), pytrace=False)
    pytest.skip(str(error))


def _connect_mariadb(port: int, database: str | None = None) -> pymysql.Connection[pymysql.cursors.Cursor]:
    login = {"user": USER, "password": PASSWORD}
    return pymysql.connect(host=HOST, port=port, database=database, charset="utf8mb4", autocommit=True, **login)
