"""The packed application against a real MariaDB, a real Redis cluster, and the emulator's S3 and DynamoDB."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
import tomli_w

from operations.engines.authority import CertificateAuthority
from operations.engines.mariadb import MariaDb
from operations.engines.redis_cluster import RedisCluster
from operations.engines.server import HOST, free_port, running
from tests.deployments.suai_cloud_app.runtime.conftest import BUCKET, REGION, TABLE, Aws
from tests.deployments.suai_cloud_app.runtime.running_app import Page, RunningApp, running_app
from tests.engines import need

pytestmark = pytest.mark.engines

CHECKS = ("/database", "/redis", "/s3", "/dynamodb")
OK = Page(200, "OK")
TOKEN = "0123456789abcdef" * 2
PASSWORD = 'it\'s "quoted" \\ and größer'


@pytest.fixture(scope="module")
def config(mariadb: MariaDb, redis_cluster: RedisCluster, aws: Aws) -> dict[str, dict[str, Any]]:
    """Contents of config.toml; its user may only connect with TLS."""
    del aws
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE OR REPLACE DATABASE suai")
        cursor.execute("CREATE OR REPLACE USER admin@'%%' IDENTIFIED BY %s REQUIRE SSL", (PASSWORD,))
        cursor.execute("GRANT ALL ON suai.* TO admin@'%'")
    return {
        "server": {"host": HOST, "port": free_port()},
        "aws": {"region": REGION},
        "s3": {"bucket": BUCKET},
        "database": {
            "host": mariadb.host,
            "port": mariadb.port,
            "user": "admin",
            "password": PASSWORD,
            "dbname": "suai",
        },
        "redis": {"host": redis_cluster.host, "port": redis_cluster.port},
        "dynamodb": {"table": TABLE, "partition_key": "id"},
    }


@pytest.fixture(scope="module")
def app(
    executable: Path, config: dict[str, dict[str, Any]], aws: Aws, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningApp]:
    with running_app(executable, tmp_path_factory.mktemp("app"), config, aws.environment) as started:
        yield started


@pytest.fixture
def app_with(
    executable: Path, config: dict[str, dict[str, Any]], aws: Aws, tmp_path: Path
) -> Iterator[Callable[..., RunningApp]]:
    """`app_with(redis={"port": 1})` is an application whose config.toml differs in these keys."""
    with contextlib.ExitStack() as stack:

        def start(**changes: dict[str, Any]) -> RunningApp:
            own = {"server": {"port": free_port()}} | changes
            changed = {table: values | own.get(table, {}) for table, values in config.items()}
            return stack.enter_context(running_app(executable, tmp_path, changed, aws.environment))

        yield start


@pytest.fixture
def redis_behind_tls(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """The port of a Redis that speaks TLS only and wants TOKEN, and the file of the authority to trust."""
    (program,) = need("redis-server", "redis-server")
    authority, port = CertificateAuthority("redis"), free_port()
    certificate, key = authority.issue(HOST)
    files = {"ca.pem": authority.pem, "cert.pem": certificate, "key.pem": key}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    command = [program, "--port", "0", "--tls-port", str(port), "--bind", HOST, "--dir", str(tmp_path), "--save", ""]
    command += ["--tls-cert-file", "cert.pem", "--tls-key-file", "key.pem", "--tls-ca-cert-file", "ca.pem"]
    command += ["--tls-auth-clients", "no", "--requirepass", TOKEN]
    client = redis.Redis(HOST, port, password=TOKEN, ssl=True, ssl_ca_certs=str(tmp_path / "ca.pem"))
    with running(command, tmp_path, client.ping):
        yield port, tmp_path / "ca.pem"


def test_redis_is_reached_over_verified_tls_with_its_token(
    executable: Path,
    config: dict[str, dict[str, Any]],
    aws: Aws,
    redis_behind_tls: tuple[int, Path],
    tmp_path: Path,
) -> None:
    port, trusted = redis_behind_tls
    told = {
        "right": ({"tls": True, "auth_token": TOKEN}, {"SSL_CERT_FILE": str(trusted)}, "OK"),
        "no token": ({"tls": True}, {"SSL_CERT_FILE": str(trusted)}, "already authenticated"),
        "no authority": ({"tls": True, "auth_token": TOKEN}, {}, "certificate verify failed"),
        "no TLS": ({"auth_token": TOKEN}, {}, f"{HOST}:{port}"),
    }
    for name, (keys, trust, answer) in told.items():
        folder = tmp_path / name
        folder.mkdir()
        own = {**config, "server": {"host": HOST, "port": free_port()}, "redis": {"host": HOST, "port": port, **keys}}
        with running_app(executable, folder, own, aws.environment | trust) as started:
            page = started.get("/redis")
            assert answer in page.text, name
            assert page.status == (200 if name == "right" else 503), name
            assert TOKEN not in page.text + started.get("/logs").text


@pytest.mark.parametrize("path", CHECKS)
def test_each_check_says_ok_when_its_service_is_there(app: RunningApp, path: str) -> None:
    assert app.get(path) == OK


def test_the_index_links_every_page(app: RunningApp) -> None:
    index = app.get("/")
    assert index.status == 200
    for path in (*CHECKS, "/health", "/logs"):
        assert f'<a href="{path}">' in index.text


@pytest.fixture
def gone(mariadb: MariaDb, redis_cluster: RedisCluster, aws: Aws) -> dict[str, Callable[[], Any]]:
    """How to take away what a page checks."""
    return {
        "/database": mariadb.stopped,
        "/redis": redis_cluster.stopped,
        "/s3": lambda: aws.without("s3"),
        "/dynamodb": lambda: aws.without("dynamodb"),
    }


@pytest.mark.parametrize(
    ("path", "cause"),
    [
        ("/database", "Connection refused"),
        ("/redis", "Connection refused"),
        ("/s3", "Could not connect to the endpoint URL"),
        ("/dynamodb", "Could not connect to the endpoint URL"),
    ],
)
def test_a_service_that_is_down_fails_its_own_check_only(
    app: RunningApp, gone: dict[str, Callable[[], Any]], path: str, cause: str
) -> None:
    with gone[path]():
        failed = app.get(path)
        assert failed.status == 503
        assert cause in failed.text
        assert [app.get(other) for other in CHECKS if other != path] == [OK, OK, OK]
        assert app.get("/health") == Page(200, "healthy")
    assert app.get(path) == OK
    assert f"{path} failed: {failed.text.strip()}" in app.get("/logs").text


@pytest.mark.parametrize(("path", "cause"), [("/database", "timed out"), ("/redis", "Timeout reading from socket")])
def test_a_service_that_hangs_fails_its_own_check_only(
    app: RunningApp, mariadb: MariaDb, redis_cluster: RedisCluster, path: str, cause: str
) -> None:
    hanging = mariadb if path == "/database" else redis_cluster
    with hanging.frozen():
        failed = app.get(path, hangs=True)
        assert failed.status == 503
        assert cause in failed.text
        assert [app.get(other) for other in CHECKS if other != path] == [OK, OK, OK]
        assert app.get("/health") == Page(200, "healthy")


def test_health_is_answered_while_a_crowd_waits_for_a_database_that_hangs(app: RunningApp, mariadb: MariaDb) -> None:
    with ThreadPoolExecutor(60) as crowd, mariadb.frozen():
        waiting = [crowd.submit(app.get, "/database", hangs=True) for _ in range(60)]
        assert app.get("/health") == Page(200, "healthy")
        assert not all(request.done() for request in waiting)
        assert {request.result().status for request in waiting} == {503}
    assert app.get("/database") == OK


def test_many_requests_at_once_are_all_answered(app: RunningApp) -> None:
    with ThreadPoolExecutor(16) as crowd:
        pages = list(crowd.map(app.get, CHECKS * 16))
    assert set(pages) == {OK}


def test_a_redis_server_outside_a_cluster_is_fine_too(app_with: Callable[..., RunningApp], tmp_path: Path) -> None:
    (program,) = need("redis-server", "redis-server")
    port = free_port()
    command = [program, "--port", str(port), "--bind", HOST, "--save", "", "--dir", str(tmp_path)]
    with running(command, tmp_path, redis.Redis(HOST, port).ping):
        assert app_with(redis={"port": port}).get("/redis") == OK


def test_a_redis_cluster_without_all_slots_is_an_error(app: RunningApp, redis_cluster: RedisCluster) -> None:
    with redis_cluster.servers[2].stopped():
        redis_cluster.wait_until_state("fail", ports=redis_cluster.ports[:2])
        failed = app.get("/redis")
    redis_cluster.wait_until_state("ok")
    assert failed.status == 503
    assert "cluster_state is fail" in failed.text


def test_a_wrong_password_is_told_without_telling_it(app_with: Callable[..., RunningApp]) -> None:
    app = app_with(database={"password": "not-the-password"})
    failed = app.get("/database")
    assert failed.status == 503
    assert "Access denied for user 'admin'" in failed.text
    assert "not-the-password" not in failed.text + app.get("/logs").text + app.log


def test_a_missing_bucket_is_named(app_with: Callable[..., RunningApp]) -> None:
    failed = app_with(s3={"bucket": "no-such-bucket-here"}).get("/s3")
    assert failed.status == 503
    assert "no-such-bucket-here" in failed.text
    assert "NoSuchBucket" in failed.text


@pytest.mark.parametrize(
    ("keys", "has"),
    [
        ({"key": ("HASH", "S")}, "key (HASH, S)"),
        ({"id": ("HASH", "N")}, "id (HASH, N)"),
        ({"id": ("HASH", "S"), "at": ("RANGE", "S")}, "id (HASH, S), at (RANGE, S)"),
    ],
)
def test_a_table_with_another_key_than_the_documents_is_an_error(
    app_with: Callable[..., RunningApp], aws: Aws, keys: dict[str, tuple[str, str]], has: str
) -> None:
    name = f"other-{'-'.join(keys)}-{keys[next(iter(keys))][1]}"
    aws.create_table(name, keys)
    failed = app_with(dynamodb={"table": name}).get("/dynamodb")
    assert failed == Page(503, f"table {name} has the key {has}; it must be id (HASH, S) alone\n")


def test_the_dynamodb_check_leaves_nothing_behind(app: RunningApp, aws: Aws) -> None:
    assert app.get("/dynamodb") == OK
    assert aws.client("dynamodb").scan(TableName=TABLE)["Items"] == []


def test_it_stops_when_told(app_with: Callable[..., RunningApp]) -> None:
    app = app_with()
    app.process.terminate()
    assert app.process.wait(30) == 0
    assert app.log.splitlines()[-1].endswith("stopped")


def test_a_port_in_use_is_a_clear_refusal(
    app: RunningApp, executable: Path, tmp_path: Path, config: dict[str, dict[str, Any]]
) -> None:
    (tmp_path / "config.toml").write_text(tomli_w.dumps(config))
    done = subprocess.run([executable], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert f"cannot listen on server.host 127.0.0.1, server.port {app.port}" in done.stderr
    assert "Address already in use" in done.stderr


def test_it_runs_in_a_copy_elsewhere(executable: Path, tmp_path: Path) -> None:
    shutil.copy(executable, tmp_path / "suaicloudapp")
    done = subprocess.run([tmp_path / "suaicloudapp"], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (
        1,
        "suaicloudapp cannot start:\nconfig.toml cannot be read: No such file or directory\n",
    )
