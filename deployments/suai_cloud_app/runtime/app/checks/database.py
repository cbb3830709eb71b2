"""The `/database` page: the configured user can work in the configured database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pymysql

from .failure import CheckError, SignInRefusedError

if TYPE_CHECKING:
    from ..config import DatabaseConfig

_TIMEOUT_SECONDS = 3
_ACCESS_DENIED = 1045
"""ER_ACCESS_DENIED_ERROR of the MySQL 8.4 Server Error Message Reference, read 2026-11-29."""


def check_database(settings: DatabaseConfig) -> None:
    """Connect, with TLS when the server offers it, and have it answer a query.

    Raises CheckError; SignInRefusedError, which is one, when the server does not take the password.
    """
    try:
        connection = pymysql.connect(
            host=settings.host,
            port=settings.port,
            user=settings.user,
            password=settings.password.encode(),  # PyMySQL would encode text as Latin-1, other clients send UTF-8
            database=settings.dbname,
            connect_timeout=_TIMEOUT_SECONDS,
            read_timeout=_TIMEOUT_SECONDS,
            write_timeout=_TIMEOUT_SECONDS,
        )
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.fetchone()
    except pymysql.MySQLError as error:
        cause = error.args[-1] if error.args else type(error).__name__
        failure = SignInRefusedError if error.args[:1] == (_ACCESS_DENIED,) else CheckError
        raise failure(f"{settings.dbname} at {settings.host}:{settings.port}: {cause}") from error
