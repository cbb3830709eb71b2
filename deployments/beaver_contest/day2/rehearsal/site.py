"""Both environments of an applied contest on this machine: booted as their roles, served by Apache with PHP."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deployments.beaver_contest.day2.checks import options
from deployments.beaver_contest.day2.contest import Contest
from deployments.beaver_contest.day2.database_user import database_user
from deployments.beaver_contest.outputs import BeaverContestOutputs
from operations.demo.master_user import let_master_in
from operations.engines.apache import apache
from operations.engines.host import Host
from operations.engines.mariadb import MariaDb
from operations.engines.server import HOST, EngineError

if TYPE_CHECKING:
    from operations.demo.rehearsals import Stage

ROOTS = {"contest": "contestInterface", "admin": "teacherInterface"}
_PROPERTIES = "aws:elasticbeanstalk:application:environment"
_PROFILE = ("aws:autoscaling:launchconfiguration", "IamInstanceProfile")
_ABSOLUTE = ("/var/lib/beaver", "/var/app/current")
_STRICT = "STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO"
"""Modes that MySQL has by default, which the parameter group takes away."""


@dataclass(frozen=True)
class ContestSite:
    """The contest as browsers reach it."""

    contest: Contest
    stage: Stage
    server: MariaDb
    ports: dict[str, int]

    def url(self, role: str, path: str) -> str:
        """The address of a page on this machine."""
        return f"http://{HOST}:{self.ports[role]}{path}"


def sign_in(stage: Stage, contest: Contest, server: MariaDb) -> None:
    """Let MariaDB be the contest's database, with both users, their passwords and its `sql_mode`."""
    user = replace(database_user(contest), host=server.host, port=server.port)
    let_master_in(contest.client, user.identifier, server)
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE IF NOT EXISTS `{contest.outputs.database_name}` CHARACTER SET utf8mb4")
        cursor.execute("SET GLOBAL sql_mode = %s", (_sql_mode(contest),))
    user.make()
    # the PHP code sends no session token, and the emulator asks for none; the key is one of the VPC's programs
    key = stage.keys_in_vpc(_user_arn(contest), _vpc_of(contest))
    value = {"key": key["AWS_ACCESS_KEY_ID"], "secret": key["AWS_SECRET_ACCESS_KEY"]}
    contest.client("secretsmanager").put_secret_value(
        SecretId=contest.outputs.key_secret_arn, SecretString=json.dumps(value)
    )


@contextmanager
def site(stage: Stage, contest: Contest, server: MariaDb, bundle: Path) -> Iterator[ContestSite]:
    """Both environments with the unpacked `bundle`, for as long as the block lasts. Raises EngineError."""
    with ExitStack() as stack:
        ports: dict[str, int] = {}
        for role, root in ROOTS.items():
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix=f"quintet-beaver-{role}-")))
            folder.chmod(0o755)  # Apache's children have an account of their own
            properties = _properties(stage, role) | {"RDS_HOSTNAME": HOST, "RDS_PORT": str(server.port)}
            host = _host(stage, role, folder, properties)
            application = folder / "var/app/current"
            shutil.copytree(bundle, application)
            _below(application, folder)
            done = host.run("/bin/bash", str(application / ".platform/hooks/predeploy/10_beaver.sh"))
            if done.returncode:
                raise EngineError(f"the hook of {role} failed: {done.stderr.strip()[-300:]}")
            (folder / "etc/php.ini").write_text((folder / "etc/php.d/99-beaver.ini").read_text())
            for path in (folder / "var/lib/beaver").iterdir():
                path.chmod(path.stat().st_mode | 0o044)  # the group webapp, which this machine has not
            # the SDK for PHP puts the bucket before the host's name, and its HTTP client knows *.localhost alone
            endpoint = stage.endpoint.replace(HOST, "localhost")
            own = {"BEAVER_STATE": str(folder / "var/lib/beaver"), "AWS_ENDPOINT_URL": endpoint}
            served = apache(
                folder,
                role,
                document_root=application / root,
                included=application / ".platform/httpd/conf.d/elasticbeanstalk",
                variables={**properties, **own},
            )
            ports[role] = stack.enter_context(served)
        yield ContestSite(contest, stage, server, ports)


def contest_of(stage: Stage) -> Contest:
    """The contest that is applied on the stage."""
    return Contest(stage.context.stack, stage.context.read(BeaverContestOutputs), stage.context.aws)


def _host(stage: Stage, role: str, folder: Path, properties: Mapping[str, str]) -> Host:
    """An instance with its role's keys and with Beanstalk's program that reads properties."""
    iam = stage.context.aws.client("iam", region=stage.context.stack.region)
    profile = options(stage.context, role)[_PROFILE]
    (instance_role,) = iam.get_instance_profile(InstanceProfileName=profile)["InstanceProfile"]["Roles"]
    environment = {**stage.environment, **stage.keys_of(instance_role["Arn"]), "BEAVER_ROOT": str(folder)}
    host = Host(folder, environment)
    for name, value in properties.items():
        host.write(f"properties/{name}", value)
    host.write(
        "opt/elasticbeanstalk/bin/get-config",
        f'#!/bin/sh\n[ "$1 $2" = "environment -k" ] && cat "{folder}/properties/$3"\n',
        executable=True,
    )
    # units of the bundle are not started: the hook itself fetches the secrets
    host.install("systemctl", "#!/bin/sh\nexit 0\n")
    return host


def _below(application: Path, folder: Path) -> None:
    """Beanstalk's absolute paths become those below the folder."""
    for path in [*application.rglob(".htaccess"), *application.rglob("10_beaver.conf")]:
        text = path.read_text(encoding="utf-8", errors="surrogateescape")
        for place in _ABSOLUTE:
            text = text.replace(place, f"{folder}{place}")
        path.write_text(text, encoding="utf-8", errors="surrogateescape")


def _properties(stage: Stage, role: str) -> dict[str, str]:
    return {
        name: value for (namespace, name), value in options(stage.context, role).items() if namespace == _PROPERTIES
    }


def _database(contest: Contest) -> dict[str, Any]:
    instances = contest.client("rds").describe_db_instances()["DBInstances"]
    (found,) = [each for each in instances if each["Endpoint"]["Address"] == contest.outputs.database_address]
    database: dict[str, Any] = found
    return database


def _sql_mode(contest: Contest) -> str:
    """The mode that the parameter group sets, or MySQL's own."""
    (group,) = _database(contest)["DBParameterGroups"]
    pages = contest.client("rds").get_paginator("describe_db_parameters")
    for page in pages.paginate(DBParameterGroupName=group["DBParameterGroupName"]):
        for parameter in page["Parameters"]:
            if parameter["ParameterName"] == "sql_mode" and "ParameterValue" in parameter:
                return str(parameter["ParameterValue"])
    return _STRICT


def _user_arn(contest: Contest) -> str:
    arn: str = contest.client("iam").get_user(UserName=contest.outputs.php_user)["User"]["Arn"]
    return arn


def _vpc_of(contest: Contest) -> str:
    vpc_id: str = _database(contest)["DBSubnetGroup"]["VpcId"]
    return vpc_id
