"""Databases on MySQL servers, made without anyone opening the network."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from constructs import Construct

from config.types import DatabaseRight
from modules.access import Connections
from modules.network import Network
from modules.policy import allow, document
from modules.python_function import PythonFunction
from modules.secret import Secret
from modules.source_files import pack, source_files
from modules.stack import DeploymentStack
from modules.watches.watch import Watch

HANDLER = Path(__file__).parent / "handlers" / "mysql_databases.py"
TIMEOUT_SECONDS = 120


class MysqlDatabases(Construct):
    """A function inside the network that makes databases and their user on RDS instances; it never drops anything.

    It acts for instances whose identifiers begin with `identifier_prefix`, with the master users' secrets that RDS
    keeps, and fills `user_secret` when that is empty. The user has `rights` in its databases, and no other. With
    `tables`, a file of statements, it creates these in each database. handlers/mysql_databases.py says what it is
    called with. Servers let it in: `database.connections.allow_from(this)`.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        network: Network,
        identifier_prefix: str,
        user_secret: Secret,
        rights: Sequence[DatabaseRight],
        tables: Path | None = None,
        log_retention_days: int = 365,
    ) -> None:
        super().__init__(scope, id_)
        stack = DeploymentStack.of_construct(self)
        place = f"{stack.region}:{stack.environment.account_id}"
        instances = f"arn:aws:rds:{place}:db:{identifier_prefix}*"
        self._function = PythonFunction(
            self,
            "function",
            name=name,
            network=network,
            code=code_with_client({HANDLER.name: HANDLER, **({"tables.sql": tables} if tables else {})}),
            handler=f"{HANDLER.stem}.handle",
            timeout_seconds=TIMEOUT_SECONDS,
            memory_mib=256,
            log_retention_days=log_retention_days,
            environment={"RIGHTS": ", ".join(rights)},
            caller="command of an operator",
        )
        self._function.connections.allow_to_internet(ports=(443,))
        self._function.attach_policy(
            self,
            "read_master_secrets",
            document(
                allow(
                    "ReadMasterSecrets",
                    actions=["secretsmanager:GetSecretValue"],
                    # one statement for all instances: an inline policy for each would pass IAM's size limit
                    resources=[f"arn:aws:secretsmanager:{place}:secret:rds!db-*"],
                    conditions={"StringLike": {"aws:ResourceTag/aws:rds:primaryDBInstanceArn": instances}},
                )
            ),
        )
        self._function.attach_policy(
            self,
            "fill_user_secret",
            document(
                allow(
                    "FillUserSecret",
                    actions=["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"],
                    resources=[user_secret.arn],
                )
            ),
        )
        self.function_name: Final[str] = self._function.name

    @property
    def connections(self) -> Connections:
        """The function's place in the network."""
        return self._function.connections

    def watches(self) -> Sequence[Watch]:
        """Calls that failed."""
        return self._function.watches()


def code_with_client(files: Mapping[str, Path]) -> bytes:
    """An archive of the files, by their names in it, and of the client library of the version this repository pins."""
    found = importlib.util.find_spec("pymysql")
    if found is None or found.origin is None:
        raise RuntimeError("pymysql is not installed: install requirements.lock")
    library = Path(found.origin).parent
    # what the installer compiled beside the sources depends on the machine
    sources = {path.relative_to(library).as_posix(): path for path in source_files(library) if path.suffix == ".py"}
    named = {**files, **{f"pymysql/{name}": path for name, path in sources.items()}}
    return pack({name: path.read_bytes() for name, path in named.items()})
