"""Hosts in scratch folders, with the emulator as AWS and a real PostgreSQL."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deployments.aquamark import runtime
from emulator.server import Emulator
from operations.aws import Aws
from operations.engines.host import Host
from operations.engines.postgresql import PostgreSql
from tests.deployments.aquamark.runtime.image import IMAGE
from tests.deployments.role_of_stack import keys_of_role

RUNTIME = Path(runtime.__file__).parent
REGION = "eu-central-1"
REPOSITORY = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/aquamark-dev-app"
HOSTILE = "#a b='c'\"$HOME\\$(id)`x`%41%(y)s:@/?&;|größe!\t~"
SMTP_PASSWORD = "p: 'y' \"z\" # {} \\ %"


class AquamarkHost:
    """One instance; its AWS account is the test's own."""

    def __init__(
        self, root: Path, aws: Callable[..., Any], emulator: Emulator, account: str, database: PostgreSql
    ) -> None:
        self.root, self.aws, self._database = root, aws, database
        own = {"AQUAMARK_ROOT": str(root), "AQUAMARK_POLL_SECONDS": "0.1"}
        own["PATH"] = os.pathsep.join([str(database.programs), os.environ["PATH"]])
        self._operator, self._account = Aws(emulator.environment(account_id=account, region=REGION)), account
        self.machine = Host(root, emulator.full_environment(account_id=account, region=REGION) | own)
        self.machine.run("dnf", "install", "--assumeyes", "docker")
        for path, text in IMAGE.items():
            self.machine.write(f"image/{path}", text, executable=True)
        shutil.copy(RUNTIME / "host.py", self.machine.write("usr/local/lib/aquamark/host.py", ""))
        self.arns = {name: self.secret(name) for name in ("login", "master", "storage", "smtp")}
        self.topic = aws("sns").create_topic(Name="alarms")["TopicArn"]
        aws("s3").create_bucket(Bucket=f"dumps-{account}", CreateBucketConfiguration={"LocationConstraint": REGION})
        self.settings = {
            "role": "web", "fleet": "aquamark-dev-web", "region": REGION, "repository": REPOSITORY, "version": "1.4.7",
            "generation": "documented", "config_directory": "/usr/share/aquamark/app/config",
            "analytics_id": "UA-1", "force_https": "True", "database_host": database.host,
            "database_port": str(database.port), "database_name": "aquamark", "database_user": "aquamark",
            **{f"{name}_secret_arn": arn for name, arn in self.arns.items() if name != "master"},
            "bucket": "attachments", "dumps_bucket": f"dumps-{account}", "smtp_server": "smtp.example.org",
            "smtp_port": "587", "smtp_use_tls": "True", "send_from": "from@example.org",
            "error_send_to": "to@example.org", "topic_arn": self.topic, "log_group": "/quintet/application",
            "boot_log_group": "/quintet/boot",
        }  # fmt: skip

    def secret(self, name: str) -> str:
        """The ARN of a secret that has no value yet."""
        return str(self.aws("secretsmanager").create_secret(Name=name)["ARN"])

    def keep(self, name: str, **fields: str) -> None:
        """Give a secret a value."""
        arn = self.arns[name]
        self.aws("secretsmanager").put_secret_value(SecretId=arn, SecretString=json.dumps(fields))

    def kept(self, name: str) -> dict[str, str]:
        """Contents of a secret."""
        arn = self.arns[name]
        fields: dict[str, str] = json.loads(self.aws("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
        return fields

    @property
    def program(self) -> Path:
        """Aquamark-host itself."""
        return self.root / "usr/local/lib/aquamark/host.py"

    def told(self, **changes: str) -> None:
        """Write down what the stack tells this host."""
        self.settings.update(changes)
        path = self.root / "etc/aquamark/host.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(self.settings))
        self.machine.environment = {**self.machine.environment, **self._keys()}

    def _keys(self) -> dict[str, str]:
        """Those of the role that the stack gives this host."""
        role, group = self.settings["role"], f"arn:aws:logs:{REGION}:{self._account}:log-group:"
        own = {
            "aws_secretsmanager_secret.login": self.arns["login"],
            "aws_secretsmanager_secret.smtp": self.arns["smtp"],
            "aws_secretsmanager_secret.attachments_key": self.arns["storage"],
            "aws_db_instance.database": self.arns["master"],
            "aws_sns_topic_policy.alarms_policy": self.topic,
            "aws_s3_bucket.dumps": f"arn:aws:s3:::dumps-{self._account}",
            f"aws_cloudwatch_log_group.{role}_application_log": f"{group}/quintet/application",
            f"aws_cloudwatch_log_group.{role}_boot_log": f"{group}/quintet/boot",
        }
        return keys_of_role(
            self._operator, "aquamark-dev", f"{role}_role", account=self._account, region=REGION, resources=own
        )

    def host(self, action: str) -> subprocess.CompletedProcess[str]:
        """Run aquamark-host."""
        return self.machine.run(sys.executable, str(self.program), action)

    @contextlib.contextmanager
    def hosting(self, action: str, until: str) -> Iterator[tuple[subprocess.Popen[bytes], Path]]:
        """Aquamark-host while it works, from when its log holds `until`; and that log."""
        log = self.root / "host.log"
        with self.machine.running(sys.executable, str(self.program), action, log=log) as process:
            give_up = time.monotonic() + 60
            while until not in log.read_text() and process.poll() is None and time.monotonic() < give_up:
                time.sleep(0.05)
            assert until in log.read_text()
            yield process, log

    def task(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a task as Run Command does: by standard input."""
        return self.machine.run(sys.executable, "-", *arguments, text=(RUNTIME / "tasks.py").read_text())

    @property
    def arrived(self) -> dict[str, Any]:
        """Environment of the container that was started last."""
        given: dict[str, Any] = json.loads((self.root / "arrived.json").read_text())
        return given

    @property
    def containers(self) -> dict[str, Any]:
        """Containers that the stand-in docker runs."""
        found: dict[str, Any] = json.loads((self.root / "docker.json").read_text())["containers"]
        return found

    def change(self, name: str, **state: Any) -> None:
        """Let something happen to a container."""
        path = self.root / "docker.json"
        kept = json.loads(path.read_text())
        kept["containers"][name]["State"].update(state)
        path.write_text(json.dumps(kept))


@pytest.fixture
def database(postgresql: PostgreSql) -> Iterator[PostgreSql]:
    """PostgreSQL with a master user as RDS makes it: no superuser, but one that makes roles and databases."""
    quoted = HOSTILE.replace("'", "''")
    postgresql.psql(f"CREATE ROLE master LOGIN CREATEROLE CREATEDB PASSWORD '{quoted}'")
    postgresql.psql("CREATE DATABASE aquamark OWNER master")
    yield postgresql
    postgresql.psql("DROP DATABASE IF EXISTS copy")
    postgresql.psql("DROP DATABASE aquamark WITH (FORCE)")
    for role in ("analyst", "aquamark", "master"):
        postgresql.psql(f"DROP ROLE IF EXISTS {role}")


@pytest.fixture
def host(
    tmp_path: Path, aws: Callable[..., Any], emulator: Emulator, account: str, database: PostgreSql
) -> AquamarkHost:
    """A web server, told everything, with every secret filled in."""
    made = AquamarkHost(tmp_path / "root", aws, emulator, account, database)
    made.keep("master", username="master", password=HOSTILE)
    made.keep("login", username="master", password=HOSTILE)
    made.keep("storage", access_key_id="AKIAEXAMPLE", secret_access_key="s/e+c=r et#")
    made.keep("smtp", username="AKIAMAIL", password=SMTP_PASSWORD)
    made.told()
    return made
