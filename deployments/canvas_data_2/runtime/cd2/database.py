"""The database: where it is, how to sign in, and what of it belongs to which table."""

from __future__ import annotations

import json
import os
import ssl
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
from pysqlsync.connection import ConnectionSSLMode

from . import log

CA_BUNDLES = (Path("/opt/rds-global-bundle.pem"), Path("/usr/local/share/rds-global-bundle.pem"))
"""Where Lambda's layer and the container's image bring RDS's certificate authorities."""


LOCK_WAIT_SECONDS = 60
"""A process that was killed may hold its lock until PostgreSQL notices."""


class DatabaseBusyError(Exception):
    """Another process works on the table: the message says which table."""


class Login(NamedTuple):
    """What the user's secret says."""

    host: str
    port: int
    dbname: str
    username: str
    password: str

    @property
    def tls(self) -> ConnectionSSLMode:
        """The server's certificate must be its own, unless DATABASE_TLS says less for a server on this machine."""
        return ConnectionSSLMode(os.environ.get("DATABASE_TLS", "verify-full"))

    async def connect(self) -> asyncpg.Connection[Any]:
        """A connection of its own. Raises what asyncpg raises."""
        verified = self.tls in (ConnectionSSLMode.verify_ca, ConnectionSSLMode.verify_full)
        return await asyncpg.connect(
            host=self.host,
            port=self.port,
            user=self.username,
            password=self.password,
            database=self.dbname,
            ssl=ssl.create_default_context() if verified else False,
            timeout=60,
        )


def login(secretsmanager: Any) -> Login:
    """The login in the secret DB_USER_SECRET_NAME, whose password no log line will show from now on."""
    value = secretsmanager.get_secret_value(SecretId=os.environ["DB_USER_SECRET_NAME"])
    found = json.loads(value["SecretString"])
    log.hide(found["password"])
    return Login(found["host"], int(found["port"]), found["dbname"], found["username"], found["password"])


def trust_rds() -> None:
    """Add RDS's certificate authorities to the system's, for every TLS connection of this process."""
    bundles = [bundle for bundle in CA_BUNDLES if bundle.is_file()]
    if not bundles or "SSL_CERT_FILE" in os.environ:
        return
    system = ssl.get_default_verify_paths().cafile
    if system is not None:
        bundles.append(Path(system))
    with tempfile.NamedTemporaryFile("w", suffix=".pem", delete=False) as joined:
        joined.write("\n".join(bundle.read_text() for bundle in bundles))
    os.environ["SSL_CERT_FILE"] = joined.name


@asynccontextmanager
async def only_one(login: Login, namespace: str, table: str) -> AsyncIterator[asyncpg.Connection[Any]]:
    """Nobody else works on the table meanwhile. Raises DatabaseBusyError when somebody does for a minute.

    The lock ends with the connection, so a killed process holds none. What is yielded is that connection.
    """
    connection = await login.connect()
    try:
        await connection.execute(f"SET lock_timeout = '{LOCK_WAIT_SECONDS}s'")
        try:
            await connection.fetchval("SELECT pg_advisory_lock(hashtext('cd2 ' || $1), hashtext($2))", namespace, table)
        except asyncpg.LockNotAvailableError:
            raise DatabaseBusyError(f"another process works on {namespace}.{table}") from None
        yield connection
    finally:
        await connection.close()


async def is_initialised(connection: asyncpg.Connection[Any], namespace: str, table: str) -> bool:
    """Whether the DAP client has filled the table once, to the end, and it is still there.

    The client itself looks at its record alone: it would fill a table that was dropped with later changes only.
    """
    if await connection.fetchval("SELECT to_regclass('instructure_dap.table_sync')") is None:
        return False
    if not await _exists(connection, namespace, table):
        return False
    found: bool = await connection.fetchval(
        "SELECT EXISTS (SELECT FROM instructure_dap.table_sync WHERE source_namespace = $1 AND source_table = $2)",
        namespace,
        table,
    )
    return found


async def forget(connection: asyncpg.Connection[Any], namespace: str, table: str) -> None:
    """Empty the table and let it count as never initialised; its views and grants stay."""
    if await connection.fetchval("SELECT to_regclass('instructure_dap.table_sync')") is not None:
        await connection.execute(
            "DELETE FROM instructure_dap.table_sync WHERE source_namespace = $1 AND source_table = $2",
            namespace,
            table,
        )
    if await _exists(connection, namespace, table):
        await connection.execute(f"TRUNCATE {await _quoted(connection, namespace, table)}")


async def grants_on(connection: asyncpg.Connection[Any], namespace: str, table: str) -> list[str] | None:
    """Statements that grant again what others than the owner may do with the table; None when it does not exist."""
    if not await _exists(connection, namespace, table):
        return None
    rows = await connection.fetch(
        """
        SELECT format('GRANT %s%s ON %s TO %s%s', acl.privilege_type, column_name, $1::regclass,
                      CASE acl.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(acl.grantee)) END,
                      CASE WHEN acl.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) AS statement
          FROM (SELECT '' AS column_name, relacl AS granted FROM pg_class WHERE oid = $1::regclass
                UNION ALL
                SELECT format(' (%I)', attname), attacl FROM pg_attribute WHERE attrelid = $1::regclass) AS objects,
               LATERAL aclexplode(granted) AS acl
         WHERE acl.grantee <> (SELECT relowner FROM pg_class WHERE oid = $1::regclass)
        """,
        await _quoted(connection, namespace, table),
    )
    return [row["statement"] for row in rows]


async def drop_table(connection: asyncpg.Connection[Any], namespace: str, table: str) -> None:
    """Drop the table and the enumerations of its columns; views that stand on it have to be out of the way."""
    quoted = await _quoted(connection, namespace, table)
    enumerations = await connection.fetch(
        "SELECT DISTINCT atttypid::regtype::text AS name FROM pg_attribute JOIN pg_type ON pg_type.oid = atttypid "
        "WHERE attrelid = $1::regclass AND typtype = 'e'",
        quoted,
    )
    await connection.execute(f"DROP TABLE {quoted}")
    for enumeration in enumerations:
        await connection.execute(f"DROP TYPE {enumeration['name']}")


async def _quoted(connection: asyncpg.Connection[Any], namespace: str, table: str) -> str:
    name: str = await connection.fetchval("SELECT format('%I.%I', $1::text, $2::text)", namespace, table)
    return name


async def _exists(connection: asyncpg.Connection[Any], namespace: str, table: str) -> bool:
    quoted = await _quoted(connection, namespace, table)
    found: bool = await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", quoted)
    return found


async def row_count(connection: asyncpg.Connection[Any], namespace: str, table: str) -> int:
    """How many rows the table has, as PostgreSQL estimates it."""
    count: int = await connection.fetchval(
        "SELECT COALESCE(sum(n_live_tup), 0)::bigint FROM pg_stat_user_tables WHERE schemaname = $1 AND relname = $2",
        namespace,
        table,
    )
    return count
