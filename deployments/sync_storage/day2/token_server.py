"""The token server's table `nodes`: from then on it sends users to a node."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from deployments.sync_storage.day2.deployed import SERVICE
from operations.errors import OperatorError

PASSWORD_VARIABLE = "QUINTET_TOKEN_SERVER_PASSWORD"  # noqa: S105  # its name, not its value
RELEASED_AT_ONCE = 0.1
"""Share of the capacity that a node may get before the token server releases more, as its own script has it."""
_INSERT = (
    "INSERT INTO nodes (service, node, available, current_load, capacity, downed, backoff)\n"
    "SELECT services.id, {node}, {available}, 0, {capacity}, 0, 0 FROM services WHERE services.service = {service}\n"
    "  AND NOT EXISTS (SELECT 1 FROM nodes AS known WHERE known.service = services.id AND known.node = {node})"
)


def available(capacity: int) -> int:
    """The users a new node may get at once.

    >>> available(1), available(100), available(101)
    (1, 10, 11)
    """
    return math.ceil(capacity * RELEASED_AT_ONCE)


def statements(nodes: Sequence[str], capacity: int) -> str:
    """SQL that adds the nodes and leaves alone those that are there; it may be run again.

    Node names and the service's name hold no quotes: settings allow none.
    """
    filled = [
        _INSERT.format(node=f"'{node}'", available=available(capacity), capacity=capacity, service=f"'{SERVICE}'")
        for node in nodes
    ]
    return "START TRANSACTION;\n" + "".join(f"{statement};\n" for statement in filled) + "COMMIT;\n"


@dataclass(frozen=True)
class TokenServerDatabase:
    """How to reach the token server's MySQL."""

    host: str
    port: int
    user: str
    database: str
    password: str

    @classmethod
    def at(cls, url: str, *, password: str) -> TokenServerDatabase:
        """From `mysql://user@host:3306/database`. Raises ValueError, saying what is allowed."""
        allowed = "give mysql://user@host:3306/database, without a password"
        try:
            parts = urlsplit(url)
            port = parts.port or 3306
        except ValueError as error:
            raise ValueError(f"that is no URL ({error}): {allowed}") from None
        if parts.password is not None:
            raise ValueError(f"a password must not stand in a command: {allowed} and set {PASSWORD_VARIABLE}")
        database = parts.path.removeprefix("/")
        if parts.scheme != "mysql" or not parts.hostname or not parts.username or not database or "/" in database:
            raise ValueError(f"{url!r} does not say which database: {allowed}")
        return cls(parts.hostname, port, unquote(parts.username), unquote(database), password)

    def add(self, nodes: Sequence[str], capacity: int) -> list[str]:
        """Add the nodes, all or none; returns those that were not there.

        Raises OperatorError when the database refuses, has no such service, or keeps a node with another capacity.
        """
        with self._cursor() as cursor:
            cursor.execute("SELECT id FROM services WHERE service = %s", (SERVICE,))
            service = cursor.fetchone()
            if service is None:
                raise OperatorError(f"The token server at {self.host} has no service {SERVICE} in its table services.")
            cursor.execute("SELECT node, capacity FROM nodes WHERE service = %s FOR UPDATE", service)
            known: dict[str, int] = dict(cursor.fetchall())
            for node in nodes:
                if known.get(node, capacity) != capacity:
                    raise OperatorError(
                        f"{node} is in the token server's table with a capacity of {known[node]}, not {capacity}.",
                        hint="Give that capacity, or change it there: its script update_node is for that.",
                    )
            added = [node for node in nodes if node not in known]
            for node in added:
                cursor.execute(
                    "INSERT INTO nodes (service, node, available, current_load, capacity, downed, backoff) "
                    "VALUES (%s, %s, %s, 0, %s, 0, 0)",
                    (service[0], node, available(capacity), capacity),
                )
        return added

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        """A transaction: kept when the block ends well."""
        import pymysql

        login = {"user": self.user, "password": self.password, "database": self.database}
        try:
            connection = pymysql.connect(host=self.host, port=self.port, connect_timeout=10, **login)  # type: ignore[arg-type,unused-ignore]  # pymysql's types
            with connection, connection.cursor() as cursor:
                yield cursor
                connection.commit()
        except pymysql.MySQLError as error:
            reason = error.args[-1] if error.args else type(error).__name__
            raise OperatorError(
                f"The token server's database at {self.host}:{self.port} refuses: {reason}",
                hint="Nothing was changed there.",
            ) from None
