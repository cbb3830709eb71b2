"""The applied stack with what can be real behind it: web and daemon hosts of this machine, and a PostgreSQL.

Hosts are those of `operations.engines.host`, booted with the user data of their launch template as it was applied, and
hold keys of their own role. Run Command runs its scripts on them. What DNS would do is done to the user data: the
database's address becomes that of this machine. An upgrade writes settings and applies: it works in a copy of the
repository, and what is committed is applied again in the end, unless the emulator ends as well.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployments.aquamark.day2.rehearsal.image import UpmarkCheckout, write_image
from deployments.aquamark.day2.site import Site
from deployments.aquamark.day2.upgrade import Upgrade
from operations.console import new_console
from operations.demo.check import expect
from operations.demo.launch import GroupLaunch, launch_of
from operations.engines.host import Host, HostSurroundings
from operations.engines.server import HOST, free_port
from operations.errors import OperatorError
from operations.instances.run_command import RunCommand
from operations.plans.standing_provider import StandingProviders
from operations.stacks import find_stacks, only
from operations.terraform.run import Run

if TYPE_CHECKING:
    import io

    from operations.demo.rehearsals import Stage
    from operations.engines.postgresql import PostgreSql

# .cache is: a synth in the copy takes the stacks that an upgrade leaves as they are from there
_NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv*", ".runs", ".hypothesis", ".*_cache", "__pycache__", "tests", "docs", "bench"
)


@dataclass(frozen=True)
class _HostCommand(RunCommand):
    """Run Command whose agents are hosts of this machine."""

    hosts: Mapping[str, Host] = field(default_factory=dict)

    def run(self, instance_ids: Sequence[str], script: str, *, what: str, timeout_seconds: int = 3600) -> list[str]:
        """Output of the script on each host. Raises OperatorError with the end of its errors when it fails."""
        del timeout_seconds
        answers = []
        for instance in instance_ids:
            host = self.hosts[instance]
            done = host.run("bash", "-c", f'PATH="{host.root}/usr/local/sbin:$PATH"\n{script}')
            if done.returncode:
                raise OperatorError(f"{what} failed on {instance}: {done.stderr.strip()[-800:]}")
            answers.append(done.stdout.strip())
        return answers


@dataclass(frozen=True)
class PlayedSite(Site):
    """A site whose instances are hosts of this machine."""

    hosts: dict[str, Host] = field(default_factory=dict)
    """Instance → its host, once it has booted."""

    def _commands(self) -> RunCommand:
        return _HostCommand(self.aws, self.stack().region, self.poll_seconds, self.hosts)


@dataclass(frozen=True)
class AquamarkSurroundings:
    """Servers and resources that exist while the rehearsal lasts."""

    stage: Stage
    site: PlayedSite
    database: PostgreSql
    scratch: Path
    checkout: UpmarkCheckout | None
    behind: ExitStack

    def boot(self, group: str) -> list[str]:
        """First boots of the group's instances, all at once; their ids. Raises CheckFailedError when one fails."""
        launch = launch_of(self.stage.context, group)
        user_data = self._led_here(launch.user_data)
        hosts = {instance: self._host(instance, launch) for instance in launch.instances}
        with ThreadPoolExecutor() as pool:
            boots = list(pool.map(lambda host: host.boot(user_data), hosts.values()))
        for done, (instance, host) in zip(boots, hosts.items(), strict=True):
            expect(
                done.returncode == 0, f"the first boot of {instance} failed: {done.stderr[-1500:]}{host.journal[-800:]}"
            )
        return list(launch.instances)

    def push(self, version: str) -> None:
        """Result of `docker push` in the repository: an image that is nothing but its tag."""
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        manifest = {"schemaVersion": 2, "mediaType": kind, "layers": [], "config": {"digest": version}}
        ecr, name = self.site.client("ecr"), self.site.outputs().repository
        ecr.put_image(repositoryName=name, imageManifest=json.dumps(manifest), imageTag=version)
        self.behind.callback(ecr.batch_delete_image, repositoryName=name, imageIds=[{"imageTag": version}])
        for host in self.site.hosts.values():
            host.surround(HostSurroundings(images=self._images()))

    def upgrade(self, version: str, said: io.StringIO) -> None:
        """`quintet aquamark upgrade VERSION`. Raises OperatorError."""
        Upgrade(self.site, version=version, terraform_environment=self.stage.environment, timeout_seconds=120).run(
            new_console(file=said, width=200)
        )

    def ports(self) -> dict[str, int]:
        """Web instance → the port that its web server answers on."""
        group = self.site.group(self.site.outputs().web_group)
        return {i["InstanceId"]: self.site.hosts[i["InstanceId"]].ports[80] for i in group["Instances"]}

    def _host(self, instance: str, launch: GroupLaunch) -> Host:
        port = free_port()
        root = self.scratch / instance
        own = {
            "AQUAMARK_ROOT": str(root),
            "AQUAMARK_POLL_SECONDS": "0.1",
            "AQUAMARK_URL": f"http://{HOST}:{port}",
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.behind.enter_context(_metadata(instance)),
            "PATH": os.pathsep.join([str(self.database.programs), os.environ["PATH"]]),
        }
        keys = self.stage.keys_of(launch.role_arn)
        host = Host(
            root,
            {**self.stage.environment, **keys, **own},
            surroundings=HostSurroundings(images=self._images()),
            ports={80: port},
        )
        self.behind.callback(host.close)
        write_image(host, self.stage.endpoint, self.checkout)
        self.site.hosts[instance] = host
        return host

    def _images(self) -> list[str]:
        outputs = self.site.outputs()
        pages = self.site.client("ecr").get_paginator("describe_images").paginate(repositoryName=outputs.repository)
        tags = [tag for page in pages for image in page["imageDetails"] for tag in image.get("imageTags", [])]
        return [f"{outputs.repository_url}:{tag}" for tag in tags]

    def _led_here(self, user_data: str) -> str:
        for name, value in (("database_host", self.database.host), ("database_port", self.database.port)):
            user_data, found = re.subn(rf'("{name}": )"[^"]*"', rf'\g<1>"{value}"', user_data)
            expect(found == 1, f"the user data names {name} {found} times")
        return user_data


@contextmanager
def surroundings(stage: Stage, database: PostgreSql, checkout: UpmarkCheckout | None) -> Iterator[AquamarkSurroundings]:
    """The stage with a database and with hosts that have not booted yet."""
    with ExitStack() as behind:
        scratch = Path(behind.enter_context(tempfile.TemporaryDirectory(prefix="quintet-aquamark-")))
        root = scratch / "repository"
        shutil.copytree(stage.root, root, ignore=_NOT_COPIED, symlinks=True)
        environment = stage.context.stack.environment
        site = PlayedSite(environment, root=root, aws=stage.context.aws, poll_seconds=0.2)
        if stage.used_afterwards:
            behind.callback(_apply_what_is_committed, stage)
        behind.callback(_delete_storage_keys, site)
        _let_master_in(site, database)
        yield AquamarkSurroundings(stage, site, database, scratch, checkout, behind)


def _let_master_in(site: PlayedSite, database: PostgreSql) -> None:
    """Stand-in for RDS: its database, the master user of the secret, and the parameter group's method for passwords."""
    identifier = site.outputs().database_identifier
    rds = site.client("rds")
    (instance,) = rds.describe_db_instances(DBInstanceIdentifier=identifier)["DBInstances"]
    secret = site.client("secretsmanager").get_secret_value(SecretId=site.outputs().database_secret_arn)
    login = json.loads(secret["SecretString"])
    name, user, password = (
        text.replace("'", "''") for text in (instance["DBName"], login["username"], login["password"])
    )
    database.psql(f"CREATE ROLE \"{user}\" LOGIN CREATEROLE CREATEDB PASSWORD '{password}'")
    database.psql(f'CREATE DATABASE "{name}" OWNER "{user}"')
    pages = rds.get_paginator("describe_db_parameters")
    for page in pages.paginate(DBParameterGroupName=instance["DBParameterGroups"][0]["DBParameterGroupName"]):
        for parameter in page["Parameters"]:
            if parameter["ParameterName"] == "password_encryption" and parameter.get("ParameterValue"):
                database.psql(f"ALTER DATABASE \"{name}\" SET password_encryption = '{parameter['ParameterValue']}'")


def _delete_storage_keys(site: PlayedSite) -> None:
    iam, user = site.client("iam"), site.outputs().storage_user
    for key in iam.list_access_keys(UserName=user)["AccessKeyMetadata"]:
        iam.delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])


def _apply_what_is_committed(stage: Stage) -> None:
    with Run("rehearsal", root=stage.root) as run, StandingProviders(run) as providers:
        stack = only(find_stacks(stage.root), stage.context.stack.name)
        terraform = run.terraform(stack, environment=stage.environment)
        with providers.attached(terraform, stack):
            terraform.plan_and_apply(refresh=False)  # the upgrade has just written the state


@contextmanager
def _metadata(instance: str) -> Iterator[str]:
    """The address of an instance's metadata service, which asks for a token as IMDSv2 does."""

    class Answers(BaseHTTPRequestHandler):
        def do_PUT(self) -> None:
            self._answer("token" if self.path == "/latest/api/token" else "")

        def do_GET(self) -> None:
            known = self.path == "/latest/meta-data/instance-id" and self.headers["X-aws-ec2-metadata-token"] == "token"
            self._answer(instance if known else "")

        def _answer(self, text: str) -> None:
            self.send_response(200 if text else 401)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer((HOST, 0), Answers)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
