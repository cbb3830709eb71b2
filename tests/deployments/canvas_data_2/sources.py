"""Tables at the API and a database prepared for them, as the tests of this deployment need them."""

from __future__ import annotations

import asyncio

import asyncpg

from deployments.canvas_data_2.day2.preparation import steps
from deployments.canvas_data_2.day2.rehearsal.dap_api import CLIENT_ID, CLIENT_SECRET, SourceTable
from deployments.canvas_data_2.day2.rehearsal.replica import ADMIN, USER, Replica
from deployments.canvas_data_2.day2.scram import verifier
from deployments.canvas_data_2.runtime.cd2.database import Login
from deployments.canvas_data_2.runtime.cd2.parameters import ApiCredentials
from deployments.canvas_data_2.runtime.cd2.replication import ReplicatedTable

ADMIN_PASSWORD = "of-the-administrator"
USER_PASSWORD = "of-the-pipeline"


def users(count: int = 3) -> SourceTable:
    table = SourceTable({"name": {"type": "string"}, "points": {"type": "integer", "format": "int64"}})
    for key in range(1, count + 1):
        table.put(key, name=f"user {key}\twith a tab", points=key * 10)
    return table


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
            namespaces=["canvas", "new_quizzes"],
        ):
            await connection.execute(step.sql)
        await connection.close()

    if exists:  # of an earlier test; nobody but a superuser knows who made it
        replica.sql(f"GRANT {USER} TO {ADMIN} WITH ADMIN OPTION")
    asyncio.run(run())


def table(name: str, login: Login, namespace: str = "canvas") -> ReplicatedTable:
    return ReplicatedTable(namespace, name, credentials=ApiCredentials(CLIENT_ID, CLIENT_SECRET), login=login)
