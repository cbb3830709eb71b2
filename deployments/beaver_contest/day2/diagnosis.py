"""Diagnosis of the database: what it is busy with, and what makes it slow."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

WATCHED = ("team", "group", "question")
"""Tables whose triggers are to be removed before a contest: they make concurrent writes wait and deadlock."""

_LOCKS_SINCE_MYSQL_8 = {
    "locks": "SELECT * FROM performance_schema.data_locks",
    "lock waits": "SELECT * FROM performance_schema.data_lock_waits",
}
_LOCKS_BEFORE = {
    "locks": "SELECT * FROM information_schema.innodb_locks",
    "lock waits": "SELECT * FROM information_schema.innodb_lock_waits",
}


@dataclass(frozen=True)
class QueryAnswer:
    """The answer of one query."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]


def queries(version: str) -> dict[str, str]:
    """The document's six queries by title, as the server of that version understands them.

    MySQL 8.0.1 has moved the last two elsewhere; MariaDB has not.

    >>> queries("8.4.3")["locks"], queries("10.11.6-MariaDB")["locks"]
    ('SELECT * FROM performance_schema.data_locks', 'SELECT * FROM information_schema.innodb_locks')
    """
    found = re.match(r"(\d+)\.", version)
    moved = found is not None and int(found[1]) >= 8 and "mariadb" not in version.lower()
    return {
        "processes": "SHOW FULL PROCESSLIST",
        "InnoDB": "SHOW ENGINE INNODB STATUS",
        "open tables": "SHOW OPEN TABLES WHERE In_use > 0 OR Name_locked > 0",
        "transactions": "SELECT * FROM information_schema.innodb_trx",
        **(_LOCKS_SINCE_MYSQL_8 if moved else _LOCKS_BEFORE),
    }


def diagnose(connection: Any) -> list[QueryAnswer]:
    """Ask all of them."""
    answers = []
    with connection.cursor() as cursor:
        cursor.execute("SELECT VERSION()")
        (version,) = cursor.fetchone()
        for title, query in queries(version).items():
            cursor.execute(query)
            columns = tuple(column[0] for column in cursor.description)
            answers.append(QueryAnswer(title, columns, tuple(cursor.fetchall())))
    return answers


def triggers_left(connection: Any) -> list[tuple[str, str]]:
    """Table and name of every trigger on `team`, `group` or `question`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EVENT_OBJECT_TABLE, TRIGGER_NAME FROM information_schema.triggers"
            " WHERE TRIGGER_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE IN %s ORDER BY 1, 2",
            (WATCHED,),
        )
        return [(str(table), str(name)) for table, name in cursor.fetchall()]
