"""Connections to MySQL, the contest's or another."""

from __future__ import annotations

import json
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from config.rendering import sql_name
from operations.aws import refusals_explained
from operations.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from deployments.beaver_contest.day2.contest import Contest

_EXAMPLE = "mysql://user@host:3306/database"
_SECONDS = 10


@dataclass(frozen=True)
class Endpoint:
    """A database on a server, and who signs in there."""

    host: str
    port: int
    user: str
    database: str
    password: str = field(repr=False)

    def __str__(self) -> str:
        return f"{self.user}@{self.host}:{self.port}/{self.database}"


def of_contest(contest: Contest, through: str | None = None) -> Endpoint:
    """The contest's database as its master user, reached at `through` (HOST:PORT, a tunnel's end) when given.

    Raises OperatorError when the password cannot be fetched or `through` is not an address.
    """
    host, port = contest.outputs.database_address, int(contest.outputs.database_port)
    if through is not None:
        found = re.fullmatch(r"([A-Za-z0-9.-]+):(\d{1,5})", through)
        if found is None or not 0 < int(found[2]) < 65536:
            raise OperatorError(f"{through} is not HOST:PORT; example: 127.0.0.1:13306.")
        host, port = found[1], int(found[2])
    with refusals_explained():
        secret = contest.client("secretsmanager").get_secret_value(SecretId=contest.outputs.database_secret_arn)
    login = json.loads(secret["SecretString"])
    return Endpoint(host, port, login["username"], contest.outputs.database_name, login["password"])


def parse(url: str, *, password_variable: str, environment: Mapping[str, str] | None = None) -> Endpoint:
    """The endpoint `mysql://user@host:port/database`; its password comes from the environment variable named.

    A password in the URL is refused: it would be in the process list and in the shell's history. Raises OperatorError.
    """
    parts = urlsplit(url)
    if parts.scheme != "mysql" or not parts.hostname or not parts.username or not parts.path.strip("/"):
        raise OperatorError(f"{url} is not the address of a database; example: {_EXAMPLE}.")
    if parts.password is not None:
        raise OperatorError(
            "The address holds a password, which the process list shows to everybody.",
            hint=f"Leave it out and set {password_variable}.",
        )
    password = (os.environ if environment is None else environment).get(password_variable)
    if password is None:
        raise OperatorError(f"There is no password for {url}.", hint=f"Set {password_variable}.")
    try:
        port = parts.port or 3306
    except ValueError:
        raise OperatorError(f"{url} has no valid port; example: {_EXAMPLE}.") from None
    return Endpoint(parts.hostname, port, unquote(parts.username), unquote(parts.path.strip("/")), password)


@contextmanager
def connected(endpoint: Endpoint) -> Iterator[Any]:
    """A connection that speaks UTF-8 of every length. Raises OperatorError for whatever the server refuses."""
    import pymysql

    try:
        connection = pymysql.connect(
            host=endpoint.host,
            port=endpoint.port,
            user=endpoint.user,
            password=endpoint.password,
            database=endpoint.database,
            charset="utf8mb4",
            connect_timeout=_SECONDS,
        )
    except pymysql.MySQLError as error:
        raise OperatorError(
            f"{endpoint} cannot be reached: {_told(error)}.",
            hint="The contest's database has no public address: quintet beaver open-database --tunnel makes a way in, "
            "then give --through 127.0.0.1:13306.",
        ) from None
    try:
        yield connection
    except pymysql.MySQLError as error:
        raise OperatorError(f"{endpoint} refused a statement: {_told(error)}.") from None
    finally:
        connection.close()


def _told(error: Exception) -> str:
    return str(error.args[-1]) if error.args else str(error)


def quoted(name: str) -> str:
    """A table's or column's name as SQL writes it.

    >>> quoted("group"), quoted("odd`name")
    ('`group`', '`odd``name`')
    """
    return sql_name(name, "`")
