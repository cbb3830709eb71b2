"""The bundle's two roots, served by a real Apache with real PHP, on an instance made of a scratch folder."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import urllib.error
import urllib.request
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from deployments.beaver_contest.runtime.bundle import add_ours, copy, prepare
from emulator.server import Emulator
from operations.aws import Aws
from operations.engines.apache import apache
from operations.engines.mariadb import MariaDb
from operations.engines.server import HOST, PASSWORD, USER
from tests.deployments.beaver_contest.runtime.checkout import make_checkout
from tests.deployments.role_of_stack import keys_of_role
from tests.engines import there

pytestmark = pytest.mark.engines

REGION = "eu-west-3"
ROOTS = {"contest": "contestInterface", "admin": "teacherInterface"}
FRONTS = {"contest": b"front of contests", "admin": b"front of teachers"}


class Instance:
    """A Beanstalk instance as far as hooks, Apache and PHP see it: `root` stands for `/`.

    `environment` has the keys of its role, clients of `operator` those of the account.
    """

    def __init__(
        self, root: Path, properties: dict[str, str], environment: Mapping[str, str], operator: Callable[[str], Any]
    ) -> None:
        self.root = root
        self.operator = operator
        self.properties = properties
        self.environment = environment
        self.application = root / "var/app/current"
        self.state = root / "var/lib/beaver"
        self.ports: dict[str, int] = {}

    def program(self, path: str, script: str) -> None:
        target = self.root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(f"#!/bin/sh\n{script}\n")
        target.chmod(target.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)

    def hook(self) -> str:
        """Run the hook that Beanstalk runs before each version starts."""
        for name, value in self.properties.items():
            (self.root / "properties").mkdir(exist_ok=True)
            (self.root / "properties" / name).write_text(value)
        done = subprocess.run(
            ["/bin/bash", self.application / ".platform/hooks/predeploy/10_beaver.sh"],
            env={**self.environment, "BEAVER_ROOT": str(self.root), "PATH": f"{self.root}/bin:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stderr

    def ask(self, role: str, path: str, headers: Mapping[str, str] | None = None, data: bytes | None = None) -> Any:
        request = urllib.request.Request(f"http://{HOST}:{self.ports[role]}{path}", data, dict(headers or {}))
        opener = urllib.request.build_opener(NoRedirects)
        try:
            return opener.open(request, timeout=60)
        except urllib.error.HTTPError as error:
            return error


class NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory, mariadb: MariaDb, emulator: Emulator) -> Iterator[Instance]:
    folder = tmp_path_factory.mktemp("instance")
    for path in (folder, *folder.parents[:2]):
        path.chmod(path.stat().st_mode | 0o055)  # Apache's children have an account of their own
    boto = _clients(emulator)
    secrets = {
        "DATABASE_SECRET_ARN": {"username": USER, "password": PASSWORD},
        "AWS_KEY_SECRET_ARN": {"key": "AKIDEXAMPLE", "secret": "s/e+c&r'e\"t"},
    }
    arns = {
        name: boto("secretsmanager").create_secret(Name=name, SecretString=json.dumps(value))["ARN"]
        for name, value in secrets.items()
    }
    arns["TASKS_PASSWORD_SECRET_ARN"] = boto("secretsmanager").create_secret(Name="tasks")["ARN"]
    own = {
        "aws_secretsmanager_secret.database_user_secret": arns["DATABASE_SECRET_ARN"],
        "aws_secretsmanager_secret.key": arns["AWS_KEY_SECRET_ARN"],
        "aws_secretsmanager_secret.tasks_password": arns["TASKS_PASSWORD_SECRET_ARN"],
    }
    operator = Aws(emulator.environment(account_id="300000000001", region=REGION))
    keys = keys_of_role(
        operator, "beaver-contest-dev", "admin_role", account="300000000001", region=REGION, resources=own
    )
    environment = emulator.full_environment(account_id="300000000001", region=REGION) | keys
    made = Instance(
        folder,
        {
            **arns,
            "RDS_HOSTNAME": HOST, "RDS_PORT": str(mariadb.port), "RDS_DB_NAME": "served",
            "DATABASE_USE": "mysql", "TABLE_PREFIX": "p_", "ITEM_TTL_SECONDS": "7200", "BEAVER_REGION": REGION,
            "STATIC_BUCKET": "static-bucket", "STATIC_URL": "https://static.castor.example.org",
            "GENERATION_MODE": "aws", "SESSION_LENGTH_SECONDS": "4321", "MAX_INPUT_VARS": "3000",
            "TIMEZONE": "Europe/Paris", "DEFAULT_LANGUAGE": "fr", "ADMIN_URL": "https://coordinateur.castor.example.org",
            "CONTEST_URL": "https://concours.castor.example.org", "HTTPS_HOST": "",
        },
        environment,
        boto,
    )  # fmt: skip
    _install(made)
    made.hook()
    (folder / "etc/php.ini").write_text((folder / "etc/php.d/99-beaver.ini").read_text())
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE IF NOT EXISTS served")
        cursor.execute("CREATE OR REPLACE TABLE served.team (ID int)")
        cursor.execute("INSERT INTO served.team VALUES (1), (2), (3)")
    with ExitStack() as servers:
        for role, root in ROOTS.items():
            served = apache(
                folder,
                role,
                document_root=made.application / root,
                included=made.application / ".platform/httpd/conf.d/elasticbeanstalk",
                variables={**made.properties, "BEAVER_STATE": str(made.state)},
            )
            made.ports[role] = servers.enter_context(there(served))
        yield made


def _clients(emulator: Emulator) -> Callable[[str], Any]:
    import boto3

    account = emulator.environment(account_id="300000000001", region=REGION)
    session = boto3.Session(account["AWS_ACCESS_KEY_ID"], account["AWS_SECRET_ACCESS_KEY"], region_name=REGION)
    return lambda service: session.client(service, endpoint_url=account["AWS_ENDPOINT_URL"])


def _install(instance: Instance) -> None:
    source = make_checkout(instance.root / "source", composer=False)
    instance.application.parent.mkdir(parents=True)
    copy(source, instance.application)
    prepare(instance.application)
    add_ours(instance.application)
    _hide_absolute_paths(instance)
    instance.program(
        "opt/elasticbeanstalk/bin/get-config", f'[ "$1 $2" = "environment -k" ] && cat "{instance.root}/properties/$3"'
    )
    instance.program("bin/systemctl", f'echo "$@" >>"{instance.root}/systemctl.said"')
    aws = shutil.which("aws", path=f"{Path(os.sys.executable).parent}:{os.environ['PATH']}")  # type: ignore[attr-defined]
    instance.program("bin/aws", f'exec {aws} "$@"')
    (instance.root / "etc").mkdir(exist_ok=True)


def _hide_absolute_paths(instance: Instance) -> None:
    """Beanstalk's paths become those of the scratch folder."""
    for path in instance.application.rglob("*"):
        if path.name in (".htaccess", "10_beaver.conf"):
            text = path.read_text()
            for place in ("/var/lib/beaver", "/var/app/current"):
                text = text.replace(place, f"{instance.root}{place}")
            path.write_text(text)


def test_the_program_reads_its_settings_from_the_environment(instance: Instance) -> None:
    shown = json.load(instance.ask("contest", "/show.php"))
    config = shown["config"]
    assert config["db"]["mysql"] | {"logged": False} == {
        "host": HOST, "port": int(instance.properties["RDS_PORT"]), "database": "served", "user": USER,
        "password": PASSWORD, "logged": False,
    }  # fmt: skip
    assert (config["db"]["use"], config["db"]["dynamoDBPrefix"], config["db"]["dynamoDBTTL"]) == ("mysql", "p_", 7200)
    assert config["aws"] == {
        "key": "AKIDEXAMPLE", "secret": "s/e+c&r'e\"t", "region": REGION, "bucketName": "static-bucket", "s3region": REGION,
    }  # fmt: skip
    version = (instance.application / "quintet/version").read_text().strip()
    assert config["teacherInterface"]["generationMode"] == "aws"
    assert config["timestamp"] == int(version[:12], 16)


def test_addresses_end_without_a_slash_but_where_upstream_adds_a_question_mark(instance: Instance) -> None:
    config = json.load(instance.ask("contest", "/show.php"))["config"]
    version = (instance.application / "quintet/version").read_text().strip()
    static, contest = "https://static.castor.example.org", "https://concours.castor.example.org"
    teachers = config["teacherInterface"]
    assert teachers["sAbsoluteStaticPath"] == teachers["sAbsoluteStaticPathOldIE"] == static
    assert teachers["sAssetsStaticPath"] == f"{static}/assets/{version}"
    assert teachers["baseUrl"] == teachers["sCoordinatorFolder"] == "https://coordinateur.castor.example.org"
    assert config["contestInterface"]["baseUrl"] == f"{contest}/"
    for name in ("sAbsoluteStaticPathNoS3", "sAssetsStaticPathNoS3"):
        assert config["contestInterface"][name] == contest


def test_php_has_the_limits_and_the_clock_of_the_settings(instance: Instance) -> None:
    shown = json.load(instance.ask("contest", "/show.php"))
    assert (shown["max_input_vars"], shown["gc_maxlifetime"], shown["timezone"]) == ("3000", "4321", "Europe/Paris")


def test_large_forms_arrive_whole(instance: Instance) -> None:
    form = "&".join(f"f{number}=1" for number in range(2900)).encode()
    assert json.load(instance.ask("admin", "/show.php", data=form))["fields"] == 2900


def test_what_php_8_has_no_more_is_still_there(instance: Instance) -> None:
    assert json.load(instance.ask("contest", "/show.php"))["magic"] is False


def test_deprecations_and_warnings_reach_no_answer(instance: Instance) -> None:
    assert json.load(instance.ask("contest", "/deprecated.php")) == {"fine": True}


def test_instances_that_serve_contests_have_no_tasks_and_those_of_teachers_do(instance: Instance) -> None:
    tasks = instance.application / "teacherInterface/bebras-tasks"
    assert (tasks / "2016_FR_03/index.html").exists()
    kept = tasks.with_name("kept")
    shutil.copytree(tasks, kept)
    arn = instance.properties["TASKS_PASSWORD_SECRET_ARN"]
    instance.properties["TASKS_PASSWORD_SECRET_ARN"] = ""
    try:
        instance.hook()
        assert not tasks.exists()
    finally:
        instance.properties["TASKS_PASSWORD_SECRET_ARN"] = arn
        kept.rename(tasks)
        instance.hook()


def test_php_reaches_the_real_database(instance: Instance) -> None:
    assert instance.ask("contest", "/query.php").read() == b"3"


def test_each_root_is_served_as_its_own(instance: Instance) -> None:
    for role, root in ROOTS.items():
        assert json.load(instance.ask(role, "/show.php"))["document_root"].endswith(f"/{root}")
        assert instance.ask(role, "/").read() == FRONTS[role]
        assert instance.ask(role, "/../config.php").status in (400, 404)


def test_htaccess_files_count(instance: Instance) -> None:
    assert instance.ask("admin", "/").headers["X-Teacher"] == "yes"
    assert "User-Agent" in instance.ask("contest", "/common.js").headers["Vary"]


def test_tasks_are_closed_until_a_password_is_set_and_then_open_with_it(instance: Instance) -> None:
    task = "/bebras-tasks/2016_FR_03/index.html"
    login = {"Authorization": f"Basic {b64encode(b'teacher:let me in').decode()}"}
    assert instance.ask("admin", task).status == 401
    assert instance.ask("admin", task, login).status == 401
    entry = subprocess.run(
        ["openssl", "passwd", "-apr1", "let me in"], capture_output=True, text=True, check=True
    ).stdout
    instance.operator("secretsmanager").put_secret_value(SecretId="tasks", SecretString=f"teacher:{entry}")
    instance.hook()
    assert instance.ask("admin", task, login).status == 200
    assert instance.ask("admin", task).status == 401


def test_plain_http_is_sent_to_https_where_it_is_wanted_and_health_checks_are_not(instance: Instance) -> None:
    forwarded = {"X-Forwarded-Proto": "http", "Host": "concours.castor.example.org"}
    assert instance.ask("contest", "/", forwarded).status == 200
    instance.properties["HTTPS_HOST"] = "concours.castor.example.org"
    instance.hook()
    try:
        answer = instance.ask("contest", "/index.php?a=b", {**forwarded, "Host": "evil.example.com"})
        assert (answer.status, answer.headers["Location"]) == (
            301,
            "https://concours.castor.example.org/index.php?a=b",
        )
        assert instance.ask("contest", "/", {**forwarded, "X-Forwarded-Proto": "https"}).status == 200
        assert instance.ask("contest", "/").status == 200
    finally:
        instance.properties["HTTPS_HOST"] = ""
        instance.hook()
    assert instance.ask("contest", "/", forwarded).status == 200


def test_a_changed_password_is_followed_without_a_deployment(instance: Instance) -> None:
    secrets = instance.operator("secretsmanager")
    secrets.put_secret_value(SecretId="AWS_KEY_SECRET_ARN", SecretString='{"key": "NEXT", "secret": "other"}')
    environment = {**instance.environment, "BEAVER_ROOT": str(instance.root)}
    environment["PATH"] = f"{instance.root}/bin:{os.environ['PATH']}"
    subprocess.run([instance.state / "refresh-secrets.sh"], env=environment, check=True)
    assert json.load(instance.ask("contest", "/show.php"))["config"]["aws"]["key"] == "NEXT"


def test_the_age_of_the_key_is_reported_once_an_hour(instance: Instance) -> None:
    cloudwatch = instance.operator("cloudwatch")
    reported = instance.state / "key-age"
    reported.unlink(missing_ok=True)
    before = len(_ages(cloudwatch))
    for _ in range(2):
        instance.hook()
    ages = _ages(cloudwatch)
    assert len(ages) == before + 1
    assert ages[-1] == {"Secret": "AWS_KEY_SECRET_ARN", "days": 0}
    os.utime(reported, (0, 0))
    instance.hook()
    assert len(_ages(cloudwatch)) == before + 2


def test_a_secret_that_cannot_be_fetched_keeps_its_last_value(instance: Instance) -> None:
    before = (instance.state / "aws.json").read_bytes()
    arn = instance.properties["AWS_KEY_SECRET_ARN"]
    instance.properties["AWS_KEY_SECRET_ARN"] = arn.replace("AWS_KEY", "GONE")
    try:
        assert "cannot be fetched" in instance.hook()
        assert (instance.state / "aws.json").read_bytes() == before
    finally:
        instance.properties["AWS_KEY_SECRET_ARN"] = arn
        instance.hook()


def test_secrets_are_for_the_web_server_only_and_a_timer_follows_them(instance: Instance) -> None:
    for name in ("database.json", "aws.json"):
        assert stat.S_IMODE((instance.state / name).stat().st_mode) == 0o640
    assert "enable --now beaver-secrets.timer" in (instance.root / "systemctl.said").read_text()
    assert "OnUnitActiveSec=60" in (instance.root / "etc/systemd/system/beaver-secrets.timer").read_text()


def _ages(cloudwatch: Any) -> list[dict[str, Any]]:
    """The ages that were reported, with the dimension of each."""
    (metric,) = cloudwatch.list_metrics(Namespace="Quintet/AccessKeys")["Metrics"] or [None]
    if metric is None:
        return []
    now = datetime.now(UTC)
    found = cloudwatch.get_metric_statistics(
        Namespace="Quintet/AccessKeys", MetricName="AgeDays", Dimensions=metric["Dimensions"], Period=3600,
        StartTime=now - timedelta(hours=2), EndTime=now + timedelta(hours=2), Statistics=["SampleCount", "Maximum"],
    )["Datapoints"]  # fmt: skip
    (dimension,) = metric["Dimensions"]
    days = max(point["Maximum"] for point in found)
    return [{dimension["Name"]: dimension["Value"], "days": days}] * int(sum(point["SampleCount"] for point in found))
