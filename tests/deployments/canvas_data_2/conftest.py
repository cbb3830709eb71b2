from __future__ import annotations

import asyncio
from collections.abc import Iterator

import asyncpg
import pytest

from deployments.canvas_data_2.day2.preparation import steps
from deployments.canvas_data_2.day2.rehearsal.dap_api import CLIENT_ID, CLIENT_SECRET, DapApi, SourceTable
from deployments.canvas_data_2.day2.rehearsal.replica import ADMIN, USER, Replica, make_replica
from deployments.canvas_data_2.day2.scram import verifier
from deployments.canvas_data_2.runtime.cd2.database import Login
from deployments.canvas_data_2.runtime.cd2.parameters import ApiCredentials
from deployments.canvas_data_2.runtime.cd2.replication import Table
from operations.engines.postgresql import PostgreSql

ADMIN_PASSWORD = "of-the-administrator"
USER_PASSWORD = "of-the-pipeline"


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[DapApi]:
    """The DAP API with the tables `users` and `courses`."""
    with DapApi() as running:
        monkeypatch.setenv("DAP_API_URL", running.url)
        running.tables["users"] = users()
        running.tables["courses"] = SourceTable({"title": {"type": "string"}})
        running.tables["courses"].put(1, title="Logic")
        yield running


def users(count: int = 3) -> SourceTable:
    table = SourceTable({"name": {"type": "string"}, "points": {"type": "integer", "format": "int64"}})
    for key in range(1, count + 1):
        table.put(key, name=f"user {key}\twith a tab", points=key * 10)
    return table


@pytest.fixture
def replica(postgresql: PostgreSql) -> Iterator[Replica]:
    """A database prepared as `quintet canvas prepare-database` does it."""
    made = make_replica(postgresql, "cd2", ADMIN_PASSWORD)
    prepare(made)
    yield made
    made.server.psql('DROP DATABASE IF EXISTS "cd2" WITH (FORCE)')


def prepare(replica: Replica) -> None:
    exists = bool(replica.sql(f"SELECT 1 FROM pg_roles WHERE rolname = '{USER}'"))

    async def run() -> None:
        login = {"user": ADMIN, "password": ADMIN_PASSWORD, "database": replica.name}
        connection = await asyncpg.connect(host=replica.server.host, port=replica.server.port, **login)
        for step in steps(
            user=USER,
            user_exists=exists,
            verifier=verifier(USER_PASSWORD),
            admin=ADMIN,
            database=replica.name,
            namespaces=["canvas"],
        ):
            await connection.execute(step.sql)
        await connection.close()

    if exists:  # of an earlier test; nobody but a superuser knows who made it
        replica.sql(f"GRANT {USER} TO {ADMIN} WITH ADMIN OPTION")
    asyncio.run(run())


@pytest.fixture
def login(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> Login:
    monkeypatch.setenv("SSL_CERT_FILE", str(replica.server.trusted))
    return Login(replica.server.host, replica.server.port, replica.name, USER, USER_PASSWORD)


def table(name: str, login: Login) -> Table:
    return Table("canvas", name, credentials=ApiCredentials(CLIENT_ID, CLIENT_SECRET), login=login)
