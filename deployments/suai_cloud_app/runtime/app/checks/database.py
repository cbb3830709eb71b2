"""The `/database` page: the configured user can work in the configured database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pymysql

from .failure import CheckError

if TYPE_CHECKING:
    from ..config import DatabaseConfig

_TIMEOUT_SECONDS = 3


def check_database(settings: DatabaseConfig) -> None:
    """Connect, with TLS when the server offers it, and have it answer a query. Raises CheckError."""
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
        raise CheckError(f"{settings.dbname} at {settings.host}:{settings.port}: {cause}") from error
