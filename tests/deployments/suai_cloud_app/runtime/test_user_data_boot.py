"""The rendered user data, executed for real in a scratch root, with the emulator as AWS."""

from __future__ import annotations

import getpass
import hashlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from modules.user_data import render
from operations.engines.host import Host, HostSurroundings
from operations.engines.mariadb import MariaDb
from operations.engines.redis_cluster import RedisCluster
from operations.engines.server import free_port
from tests.deployments.suai_cloud_app.runtime.conftest import ACCOUNT_ID, BUCKET, REGION, TABLE, Aws
from tests.deployments.suai_cloud_app.runtime.running_app import Page, get_patiently
from tests.deployments.suai_cloud_app.runtime.test_user_data_template import USER_DATA
from tests.engines import need

pytestmark = pytest.mark.engines

HOSTILE = "'\"\\ \\n $HOME `id` $(id) @{region} %s # größer 🐘 \x7f\t\n'''\"\"\""
OK = Page(200, "OK")
OWN_EXECUTABLE = b"""#!/usr/bin/env python3
import http.server, re
port = int(re.search("port = ([0-9]+)", open("config.toml").read())[1])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"healthy, says a program of our own")
http.server.HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


@dataclass
class Instance:
    """A machine that is this one below `root`."""

    host: Host
    port: int
    user_data: str
    aws: Aws
    secret_arn: str
    mariadb: MariaDb
    release_prefix: str

    def first_boot(self) -> subprocess.CompletedProcess[str]:
        """Stand-in for cloud-init; stderr is what is in cloud-init-output.log."""
        return self.host.boot(self.user_data)

    def later_boot(self) -> subprocess.CompletedProcess[str]:
        """Stand-in for systemd: the application is not running, then the enabled units are started."""
        self.systemctl("stop", "suaicloudapp.service")
        return self.systemctl("start", "suaicloudapp.service")

    def systemctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.host.systemctl(*arguments)

    def boot_program(self, action: str) -> subprocess.CompletedProcess[str]:
        return self.host.run(str(self.root / "usr/local/sbin/suaicloudapp-boot"), action)

    def get(self, path: str) -> Page:
        """Fetch a page; waits while the application ends and starts."""
        give_up = time.monotonic() + 60
        while True:
            try:
                return get_patiently(self.port, path)
            except ConnectionError:
                if time.monotonic() > give_up:
                    raise
                time.sleep(0.05)

    def publish(self, program: bytes, version: str, *, sha256: str | None = None) -> None:
        """Upload a release and point to it."""
        s3 = self.aws.client("s3")
        pointer = {"version": version, "sha256": sha256 or hashlib.sha256(program).hexdigest()}
        s3.put_object(Bucket=BUCKET, Key=f"{self.release_prefix}{version}/suaicloudapp", Body=program)
        s3.put_object(Bucket=BUCKET, Key=f"{self.release_prefix}current", Body=json.dumps(pointer).encode())

    def set_password(self, password: str) -> None:
        """Stand-in for RDS's rotation: the database and the secret change together."""
        with self.mariadb.connect() as connection, connection.cursor() as cursor:
            cursor.execute("CREATE OR REPLACE DATABASE suai_boot")
            cursor.execute("CREATE OR REPLACE USER boot@'%%' IDENTIFIED BY %s", (password,))
            cursor.execute("GRANT ALL ON suai_boot.* TO boot@'%'")
        self.set_secret(json.dumps({"username": "boot", "password": password}))

    def set_secret(self, text: str) -> None:
        self.aws.client("secretsmanager").put_secret_value(SecretId=self.secret_arn, SecretString=text)

    @property
    def root(self) -> Path:
        return self.host.root

    @property
    def app(self) -> Path:
        return self.root / "suaicloudapp" / "suaicloudapp"

    @property
    def pid(self) -> int:
        return self.host.pid("suaicloudapp.service")

    @property
    def journal(self) -> str:
        return self.host.journal

    @property
    def calls(self) -> list[str]:
        """Calls of the stand-ins."""
        return self.host.calls


NewInstance = Callable[..., Instance]


@pytest.fixture
def new_instance(account: Aws, mariadb: MariaDb, redis_cluster: RedisCluster, tmp_path: Path) -> Iterator[NewInstance]:
    """`new_instance("al2023")` has not booted yet."""
    made: list[Instance] = []

    def make(system: Literal["al2", "al2023"], *, redis_secret_arn: str = "") -> Instance:
        root = tmp_path / f"root-{len(made)}"
        own = {"SUAICLOUDAPP_ROOT": str(root), "SUAICLOUDAPP_USER": getpass.getuser()}
        release_prefix = f"{tmp_path.name}/releases/"
        secret = account.client("secretsmanager").create_secret(Name=f"{tmp_path.name}-{len(made)}", SecretString="{}")
        port = free_port()
        user_data = render(
            USER_DATA,
            region=REGION,
            bucket=BUCKET,
            release_prefix=release_prefix,
            server_port=str(port),
            database_secret_arn=secret["ARN"],
            database_host=mariadb.host,
            database_port=str(mariadb.port),
            database_name="suai_boot",
            redis_host=redis_cluster.host,
            redis_port=str(redis_cluster.port),
            redis_secret_arn=redis_secret_arn,
            table=TABLE,
            partition_key="id",
            app_log_group="/quintet/web/application",
            boot_log_group="/quintet/web/boot",
        )
        group = f"arn:aws:logs:{REGION}:{ACCOUNT_ID}:log-group:/quintet/web"
        resources = {
            "aws_secretsmanager_secret.database_user_secret": secret["ARN"],
            "aws_secretsmanager_secret.redis_auth": redis_secret_arn or "arn:aws:secretsmanager:::secret:none",
            "aws_cloudwatch_log_group.web_application_log": f"{group}/application",
            "aws_cloudwatch_log_group.web_boot_log": f"{group}/boot",
        }
        host = Host(root, account.as_role(resources) | own, system=system)
        made.append(Instance(host, port, user_data, account, secret["ARN"], mariadb, release_prefix))
        return made[-1]

    if shutil.which("aws", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}") is None:
        need("awscli", "aws")
    yield make
    for instance in made:
        instance.host.close()


@pytest.fixture
def instance(new_instance: NewInstance, executable: Path) -> Instance:
    """An instance of Amazon Linux 2023 before its first boot; everything it needs is published."""
    made = new_instance("al2023")
    made.publish(executable.read_bytes(), "1.0.0")
    made.set_password(HOSTILE)
    return made


@pytest.fixture
def bare_instance(new_instance: NewInstance) -> Instance:
    """Another, whose application does nothing but start quickly and answer."""
    made = new_instance("al2023")
    made.publish(OWN_EXECUTABLE, "1.0.0")
    made.set_secret(json.dumps({"username": "admin", "password": "plain"}))
    return made


def test_the_first_boot_ends_with_every_check_ok_and_the_password_in_one_file_only(instance: Instance) -> None:
    booted = instance.first_boot()
    assert booted.returncode == 0, booted.stderr + instance.journal
    assert booted.stdout.endswith("suaicloudapp: started\n")
    pages = {path: instance.get(path) for path in ("/database", "/redis", "/s3", "/dynamodb")}
    assert pages == dict.fromkeys(pages, OK)

    config_file = instance.root / "suaicloudapp" / "config.toml"
    config = tomllib.loads(config_file.read_text())
    assert config["database"]["password"] == HOSTILE
    assert {table: list(values) for table, values in config.items()} == {
        "server": ["host", "port"],
        "aws": ["region"],
        "s3": ["bucket"],
        "database": ["host", "port", "user", "password", "dbname"],
        "redis": ["host", "port"],
        "dynamodb": ["table", "partition_key"],
    }
    assert config_file.stat().st_mode & 0o777 == 0o600
    assert config_file.owner() == getpass.getuser()
    others = [path for path in instance.root.rglob("*") if path.is_file() and path != config_file]
    assert not [path for path in others if "größer".encode() in path.read_bytes()]
    assert "größer" not in booted.stdout + booted.stderr + instance.user_data


def test_the_first_boot_prepares_the_machine(bare_instance: Instance) -> None:
    instance = bare_instance
    assert instance.first_boot().returncode == 0
    assert instance.app.stat().st_mode & 0o777 == 0o755
    assert instance.app.parent.stat().st_mode & 0o7777 == 0o1770
    agent = instance.root / "opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.json"
    files = json.loads(agent.read_text())["logs"]["logs_collected"]["files"]["collect_list"]
    assert {file["file_path"]: file["log_group_name"] for file in files} == {
        "/suaicloudapp/output.log": "/quintet/web/application",
        "/var/log/cloud-init-output.log": "/quintet/web/boot",
    }
    assert instance.calls == [
        "dnf install --assumeyes python3.11 amazon-cloudwatch-agent",
        f"agent -a fetch-config -m ec2 -s -c file:{agent}",
        "systemctl daemon-reload",
        "systemctl enable suaicloudapp.service suaicloudapp-refresh.timer suaicloudapp-refresh.path",
        "systemctl start suaicloudapp-refresh.timer suaicloudapp-refresh.path",
        "systemctl restart suaicloudapp.service",
    ]


def test_mirrors_that_fail_twice_only_delay_the_first_boot(bare_instance: Instance) -> None:
    bare_instance.host.surround(HostSurroundings(package_failures=2))
    booted = bare_instance.first_boot()
    assert booted.returncode == 0, booted.stderr
    assert "attempt 2 of 5 failed" in booted.stderr
    assert not bare_instance.host.ends_itself


def test_a_later_boot_takes_the_rotated_password_and_the_new_release(instance: Instance, executable: Path) -> None:
    assert instance.first_boot().returncode == 0
    instance.publish(executable.read_bytes() + b"\0", "1.0.1")
    instance.set_password("rotated")
    booted = instance.later_boot()
    assert booted.returncode == 0, instance.journal
    assert instance.get("/database") == OK
    assert instance.app.read_bytes() == executable.read_bytes() + b"\0"
    assert "release 1.0.1 is now installed" in instance.journal


def test_the_user_data_may_run_again(bare_instance: Instance) -> None:
    assert bare_instance.first_boot().returncode == 0
    first = bare_instance.pid
    again = bare_instance.first_boot()
    assert again.returncode == 0, again.stderr
    assert bare_instance.get("/health").status == 200
    assert bare_instance.pid != first
    assert "release 1.0.0 is installed" in bare_instance.journal


def test_refresh_restarts_the_application_only_when_the_password_was_rotated(instance: Instance) -> None:
    assert instance.first_boot().returncode == 0
    first = instance.pid
    assert instance.boot_program("refresh").returncode == 0
    assert instance.pid == first
    instance.systemctl("stop", "suaicloudapp-refresh.path")  # or it would refresh at the same time
    instance.set_password("rotated while running")
    assert instance.get("/database").status == 503
    assert instance.boot_program("refresh").returncode == 0
    assert instance.pid != first
    assert instance.get("/database") == OK


def test_a_refused_password_is_replaced_within_seconds_by_the_one_that_is_valid_now(instance: Instance) -> None:
    assert instance.first_boot().returncode == 0
    assert instance.get("/database") == OK
    first = instance.pid
    instance.set_password("rotated while running")
    refused = instance.get("/database")
    assert refused.status == 503
    assert "Access denied for user 'boot'" in refused.text
    give_up = time.monotonic() + 60
    while instance.get("/database") != OK:
        assert time.monotonic() < give_up, instance.journal
        time.sleep(0.2)
    assert instance.pid != first
    assert instance.journal.count("systemctl restart suaicloudapp.service") == 1


def test_a_database_that_is_down_asks_for_no_other_password(instance: Instance, mariadb: MariaDb) -> None:
    assert instance.first_boot().returncode == 0
    with mariadb.stopped():
        assert "Connection refused" in instance.get("/database").text
        assert instance.get("/database").status == 503
        time.sleep(1)
    assert not (instance.root / "suaicloudapp/refresh-requested").exists()
    assert "systemctl start suaicloudapp.service" not in instance.journal
    assert instance.get("/database") == OK


def test_redis_behind_tls_is_named_with_the_token_that_its_secret_holds_now(
    new_instance: NewInstance, account: Aws
) -> None:
    manager = account.client("secretsmanager")
    secret = manager.create_secret(Name=f"redis-{secrets.token_hex(4)}")["ARN"]
    instance = new_instance("al2023", redis_secret_arn=secret)
    instance.publish(OWN_EXECUTABLE, "1.0.0")
    instance.set_secret(json.dumps({"username": "admin", "password": "plain"}))
    assert instance.first_boot().returncode == 0
    config_file = instance.root / "suaicloudapp" / "config.toml"
    redis = tomllib.loads(config_file.read_text())["redis"]
    assert redis == {"host": redis["host"], "port": redis["port"], "tls": True}
    first = instance.pid
    manager.put_secret_value(SecretId=secret, SecretString="t" * 32)
    assert instance.boot_program("refresh").returncode == 0
    assert instance.pid != first
    assert tomllib.loads(config_file.read_text())["redis"] == {**redis, "auth_token": "t" * 32}
    assert "t" * 32 not in instance.journal + instance.user_data


def test_a_later_boot_without_aws_stays_with_what_is_there_and_says_so(instance: Instance, account: Aws) -> None:
    assert instance.first_boot().returncode == 0
    with account.without("s3"):
        booted = instance.later_boot()
        assert booted.returncode == 0, instance.journal
        assert instance.get("/database") == OK
    assert "WARNING: staying with the installed release" in instance.journal
    assert "WARNING: staying with the" in instance.journal
    assert "config.toml of an earlier start" in instance.journal


def test_a_wrong_checksum_fails_the_first_boot_loudly(bare_instance: Instance) -> None:
    instance = bare_instance
    instance.publish(OWN_EXECUTABLE, "1.0.0", sha256="0" * 64)
    booted = instance.first_boot()
    assert booted.returncode != 0
    found = hashlib.sha256(OWN_EXECUTABLE).hexdigest()
    assert f"ERROR: s3://{BUCKET}/{instance.release_prefix}1.0.0/suaicloudapp has SHA-256 {found}" in instance.journal
    assert f"demands {'0' * 64}: not installed" in instance.journal
    line = instance.user_data.splitlines().index("systemctl restart suaicloudapp.service") + 1
    assert f"user data failed at line {line}: systemctl restart suaicloudapp.service" in booted.stderr
    assert list(instance.app.parent.iterdir()) == []


def test_a_wrong_checksum_later_keeps_the_release_that_works_unless_it_was_tampered_with(
    bare_instance: Instance,
) -> None:
    instance = bare_instance
    assert instance.first_boot().returncode == 0
    instance.publish(b"#!/bin/sh\necho broken upload\n", "1.0.1", sha256="0" * 64)
    assert instance.later_boot().returncode == 0
    assert instance.get("/health").status == 200
    assert instance.app.read_bytes() == OWN_EXECUTABLE
    assert "WARNING: staying with the installed release" in instance.journal

    instance.app.write_bytes(b"#!/bin/sh\n")
    refused = instance.boot_program("prepare")
    assert refused.returncode == 1
    assert f"demands {'0' * 64}: not installed" in refused.stderr


def test_a_secret_of_another_form_fails_without_being_shown(bare_instance: Instance) -> None:
    forms = ["not JSON, hunter2", '{"username": "boot"}', '["hunter2"]', '{"username": "boot", "password": 1}']
    bare_instance.set_secret(forms[0])
    assert bare_instance.first_boot().returncode != 0
    for secret in forms:
        bare_instance.set_secret(secret)
        refused = bare_instance.boot_program("prepare")
        assert refused.returncode == 1
        assert f"{bare_instance.secret_arn} is not JSON with a username and a password" in refused.stderr
        assert "hunter2" not in refused.stderr + bare_instance.journal


def test_a_pointer_of_another_form_fails_and_is_shown(bare_instance: Instance) -> None:
    pointers = [b"1.0.0", b"{}", b'{"version": "../1", "sha256": "0"}', b"[]"]
    key = f"{bare_instance.release_prefix}current"
    bare_instance.aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=pointers[0])
    assert bare_instance.first_boot().returncode != 0
    for pointer in pointers:
        bare_instance.aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=pointer)
        refused = bare_instance.boot_program("prepare")
        assert refused.returncode == 1
        assert f"{key} must be JSON with a version and a sha256; it is {pointer.decode()!r}" in refused.stderr


def test_a_teams_own_executable_runs_on_amazon_linux_2(new_instance: NewInstance) -> None:
    if shutil.which("dnf"):
        pytest.skip("this machine has dnf, so it cannot pass for Amazon Linux 2")
    instance = new_instance("al2")
    instance.publish(OWN_EXECUTABLE, "2022-03-04")
    instance.set_password("plain")
    booted = instance.first_boot()
    assert booted.returncode == 0, booted.stderr + instance.journal
    assert instance.get("/health").text == "healthy, says a program of our own"
    assert instance.calls[0] == "yum install --assumeyes python3 amazon-cloudwatch-agent"
