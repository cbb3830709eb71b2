"""The database that is filled: a real PostgreSQL with an administrator like RDS's, who is no superuser."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from deployments.canvas_data_2.day2.rehearsal.dap_api import checksum
from deployments.canvas_data_2.day2.scram import verifier
from operations.engines.postgresql import PostgreSql

ADMIN = "cd2_admin"
USER = "canvas"


@dataclass(frozen=True)
class Replica:
    """One database of the server, and how to look into it."""

    server: PostgreSql
    name: str

    def sql(self, statement: str) -> str:
        """Output of psql, as a superuser."""
        return self.server.psql(statement, self.name)

    def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows, by id."""
        text = self.sql(f"SELECT COALESCE(json_agg(t ORDER BY id), '[]') FROM canvas.{table} t")  # noqa: S608  # a name
        found: list[dict[str, Any]] = json.loads(text)
        return found

    def checksum(self, table: str) -> str:
        """Checksum of every value of every row; `checksum_of` gives the same of the source."""
        return checksum(self.rows(table))


def make_replica(server: PostgreSql, name: str, admin_password: str) -> Replica:
    """A database as RDS hands it over: one user who may make others, and owns it."""
    if not server.psql(f"SELECT 1 FROM pg_roles WHERE rolname = '{ADMIN}'"):  # noqa: S608  # a constant
        server.psql(f"CREATE ROLE {ADMIN} LOGIN CREATEROLE CREATEDB")
    server.psql(f"ALTER ROLE {ADMIN} PASSWORD '{verifier(admin_password)}'")
    server.psql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    server.psql(f'CREATE DATABASE "{name}" OWNER {ADMIN}')
    return Replica(server, name)
