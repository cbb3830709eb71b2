"""The content of a MySQL database, looked at as its master user through one of the application's hosts."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.rendering import sql_name
from operations.errors import OperatorError
from operations.instances.port_forwarding import check_programs, forwarded
from operations.restore.contents import TableContents, comparison

if TYPE_CHECKING:
    from operations.restore.instances import Instance
    from operations.restore.place import DatabasePlace

SECONDS = 20
_SYSTEM = ("information_schema", "mysql", "performance_schema", "sys")


@dataclass(frozen=True)
class MysqlLook:
    """Looks into instances from `hosts`, the ids of the instances that reach them, by a session through one of these.

    Rows are not counted: a restored instance fetches what is read from S3, and a count would fetch all of it.
    """

    place: DatabasePlace
    hosts: Callable[[], Sequence[str]]

    def ready(self) -> None:
        """Raises OperatorError when nothing leads to the databases."""
        check_programs()
        self._host()

    def compare(self, new: Instance, old: Instance | None) -> str:
        """The content of `new` beside that of `old`.

        Raises OperatorError when `new` has no row, unless `old` has none either.
        """
        return comparison(new["DBInstanceIdentifier"], self.contents, new, old)

    def contents(self, instance: Instance) -> TableContents:
        """The content of `instance`. Raises OperatorError when it does not answer."""
        import pymysql

        with self._connected(instance) as connection:
            try:
                with connection.cursor() as cursor:
                    cursor.execute(
                        "SELECT table_schema, table_name FROM information_schema.tables "
                        "WHERE table_type = 'BASE TABLE' AND table_schema NOT IN %s ORDER BY 1, 2",
                        (_SYSTEM,),
                    )
                    return TableContents(
                        {f"{schema}.{name}": _has_rows(cursor, schema, name) for schema, name in cursor.fetchall()}
                    )
            except pymysql.MySQLError as error:
                raise OperatorError(f"{instance['DBInstanceIdentifier']} does not answer: {error.args[-1]}.") from None

    @contextmanager
    def _connected(self, instance: Instance) -> Iterator[Any]:
        import pymysql

        secret = self.place.client("secretsmanager").get_secret_value(
            SecretId=instance["MasterUserSecret"]["SecretArn"]
        )
        login, endpoint = json.loads(secret["SecretString"]), instance["Endpoint"]
        region = self.place.stack.region
        with forwarded(self._host(), endpoint["Address"], endpoint["Port"], region=region) as port:
            try:
                connection = pymysql.connect(
                    host="127.0.0.1",
                    port=port,
                    user=login["username"],
                    password=login["password"],
                    charset="utf8mb4",
                    connect_timeout=SECONDS,
                    read_timeout=SECONDS,
                    ssl=_encrypted(),
                )
            except pymysql.MySQLError as error:
                name = instance["DBInstanceIdentifier"]
                raise OperatorError(f"{name} cannot be looked into: {error.args[-1]}.") from None
            with connection:
                yield connection

    def _host(self) -> str:
        hosts = sorted(self.hosts())
        if not hosts:
            raise OperatorError(
                f"No instance of {self.place.stack.name} is in service, through which its database is looked into.",
                hint="Have the application start first.",
            )
        return hosts[0]


def _has_rows(cursor: Any, schema: str, name: str) -> bool:
    cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {sql_name(schema, '`')}.{sql_name(name, '`')})")  # noqa: S608 - quoted
    return bool(cursor.fetchone()[0])


def _encrypted() -> ssl.SSLContext:
    """TLS whose certificate is not verified: the name is that of the tunnel's end, and the session is authenticated."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
