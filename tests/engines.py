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
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pymysql
import pytest
import redis

HOST = "127.0.0.1"
USER = "tester"
PASSWORD = "engines-of-tests"
_START_SECONDS = 60
_STOP_SECONDS = 20


class Server:
    """A server's process, ended by the kernel when the tests are killed."""

    def __init__(
        self, command: Sequence[str], *, directory: Path, ask: Callable[[], object], stop_signal: int = signal.SIGTERM
    ) -> None:
        """`ask` raises until the server answers; its output goes to a file in `directory`."""
        self._command = ["setpriv", "--pdeathsig", "KILL", *command]
        self._directory = directory
        self._ask = ask
        self._stop_signal = stop_signal
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start and wait until the server answers. RuntimeError with the end of its output when it does not."""
        log = self._directory / "server.log"
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command, cwd=self._directory, stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
        give_up = time.monotonic() + _START_SECONDS
        while True:
            try:
                self._ask()
            except (OSError, RuntimeError, pymysql.MySQLError, redis.RedisError) as error:
                if self._process.poll() is not None or time.monotonic() > give_up:
                    end = log.read_text(errors="replace")[-2000:]
                    raise RuntimeError(f"{' '.join(self._command)} does not answer: {error}\n{end}") from error
                time.sleep(0.05)
            else:
                return

    def stop(self) -> None:
        """End the process; does nothing when there is none."""
        if self._process is None:
            return
        self._process.send_signal(self._stop_signal)
        try:
            self._process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @contextlib.contextmanager
    def stopped(self) -> Iterator[None]:
        """Connections are refused; afterwards the server runs again with the same data on the same port."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextlib.contextmanager
    def frozen(self) -> Iterator[None]:
        """The server hangs: the kernel accepts connections, nothing is answered."""
        if self._process is None:
            raise RuntimeError("only a running server can be frozen")
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)


@dataclass(frozen=True)
class Engine:
    """What tests are given: where the server is, and how to take it away."""

    server: Server
    host: str
    port: int

    def stopped(self) -> contextlib.AbstractContextManager[None]:
        """The server is not there; see `Server.stopped`."""
        return self.server.stopped()

    def frozen(self) -> contextlib.AbstractContextManager[None]:
        """The server hangs; see `Server.frozen`."""
        return self.server.frozen()


@dataclass(frozen=True)
class MariaDb(Engine):
    """A MariaDB server that offers TLS; `user` may do everything."""

    user: str = USER
    password: str = PASSWORD

    def connect(self, database: str | None = None) -> pymysql.Connection[pymysql.cursors.Cursor]:
        """A connection that commits every statement."""
        return _connect_mariadb(self.port, database)


@dataclass(frozen=True)
class PostgreSql(Engine):
    """A PostgreSQL server; `user` is a superuser."""

    programs: Path
    """The folder of psql, pg_dump, pg_restore …"""
    user: str = USER
    password: str = PASSWORD

    def psql(self, statement: str, database: str = "postgres") -> str:
        """What psql prints: a line for each row, columns separated by `|`, no headings."""
        return _psql(self.programs, self.port, statement, database)


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
    with _directory("mariadb") as directory:
        data, port = f"--datadir={directory}/data", free_port()
        account = f"--user={getpass.getuser()}"
        _run([install_db, "--no-defaults", data, account, "--skip-test-db", "--auth-root-authentication-method=normal"])
        certificate, key = directory / "certificate.pem", directory / "key.pem"
        request = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}"]
        _run([*request, "-keyout", str(key), "-out", str(certificate)])
        login = directory / "login.sql"
        login.write_text(
            f"CREATE OR REPLACE USER {USER}@'%' IDENTIFIED BY '{PASSWORD}';\n"
            f"GRANT ALL PRIVILEGES ON *.* TO {USER}@'%' WITH GRANT OPTION;\n"
        )
        command = [mariadbd, "--no-defaults", data, account, f"--port={port}", f"--bind-address={HOST}"]
        command += [f"--socket={directory}/socket", f"--pid-file={directory}/pid", f"--init-file={login}"]
        command += ["--skip-name-resolve", f"--ssl-cert={certificate}", f"--ssl-key={key}"]
        with running(command, directory, lambda: _connect_mariadb(port).close()) as server:
            yield MariaDb(server, HOST, port)


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSql]:
    """A PostgreSQL server."""
    folders = Path("/usr/lib/postgresql").glob("*/bin")  # where Debian keeps one folder for each version
    newest = max(folders, key=lambda folder: int(folder.parent.name), default=None)
    initdb, postgres, psql = need("postgresql", "initdb", "postgres", "psql", folder=newest)
    account = "postgres" if os.geteuid() == 0 else None  # the server refuses to run as root
    with _directory("postgresql", account) as directory:
        port, programs = free_port(), Path(psql).parent
        password = directory / "password"
        password.write_text(PASSWORD)
        password.chmod(0o644)  # within a folder that only `account` may enter
        make = [initdb, f"--pgdata={directory}/data", f"--username={USER}", f"--pwfile={password}"]
        _run([*_as(account), *make, "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync"])
        command = [*_as(account), postgres, "-D", f"{directory}/data", "-p", str(port), "-c", "fsync=off"]
        command += ["-c", f"listen_addresses={HOST}", "-c", f"unix_socket_directories={directory}"]
        # the interrupt ends sessions, the polite signal would wait for them
        with running(command, directory, lambda: _psql(programs, port, "SELECT 1"), signal.SIGINT) as server:
            yield PostgreSql(server, HOST, port, programs)


@pytest.fixture(scope="session")
def redis_cluster() -> Iterator[RedisCluster]:
    """A Redis cluster of three primary nodes."""
    (redis_server,) = need("redis-server", "redis-server")
    with _directory("redis") as directory, contextlib.ExitStack() as stack:
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
    with _directory("memcached") as directory:
        port = free_port()

        def ask() -> None:
            with socket.create_connection((HOST, port), timeout=1) as connection:
                connection.sendall(b"version\r\n")
                if not connection.recv(100).startswith(b"VERSION"):
                    raise ConnectionError("no version")

        command = [program, "-l", HOST, "-p", str(port), "-U", "0", "-u", getpass.getuser()]
        with running(command, directory, ask) as server:
            yield Engine(server, HOST, port)


def free_port() -> int:
    """A port of 127.0.0.1 nobody listens on, below those the kernel gives to outgoing connections."""
    while True:
        port = random.SystemRandom().randint(15000, 32000)
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((HOST, port))
            return port


def need(package: str, *programs: str, folder: Path | None = None) -> list[str]:
    """Paths of a package's programs; when one is missing the test is skipped, or fails where CI is set."""
    path = os.pathsep.join([str(folder)] if folder else [os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    found = [shutil.which(program, path=path) for program in programs]
    if missing := [program for program, at in zip(programs, found, strict=True) if at is None]:
        reason = f"{', '.join(missing)} not found; on Debian: apt-get install --yes {package}"
        if os.environ.get("CI"):
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason)
    return [at for at in found if at is not None]


@contextlib.contextmanager
def _directory(engine: str, account: str | None = None) -> Iterator[Path]:
    """A folder outside pytest's own, which only its owner may enter: `account` has to."""
    directory = Path(tempfile.mkdtemp(prefix=f"quintet-{engine}-"))
    try:
        if account is not None:
            shutil.chown(directory, account)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


@contextlib.contextmanager
def running(
    command: Sequence[str], directory: Path, ask: Callable[[], object], stop_signal: int = signal.SIGTERM
) -> Iterator[Server]:
    """Any other server, for as long as the block lasts; see Server."""
    server = Server(command, directory=directory, ask=ask, stop_signal=stop_signal)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _as(account: str | None) -> list[str]:
    return [] if account is None else ["setpriv", f"--reuid={account}", f"--regid={account}", "--init-groups"]


def _connect_mariadb(port: int, database: str | None = None) -> pymysql.Connection[pymysql.cursors.Cursor]:
    login = {"user": USER, "password": PASSWORD}
    return pymysql.connect(host=HOST, port=port, database=database, charset="utf8mb4", autocommit=True, **login)


def _psql(programs: Path, port: int, statement: str, database: str = "postgres") -> str:
    where = ["-h", HOST, "-p", str(port), "-U", USER, "-d", database]
    command = [str(programs / "psql"), "-X", "-A", "-t", "-v", "ON_ERROR_STOP=1", *where, "-c", statement]
    return _run(command, environment=os.environ | {"PGPASSWORD": PASSWORD})


def _run(command: Sequence[str], environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()
