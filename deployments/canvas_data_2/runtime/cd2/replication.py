"""One table of Canvas in the database: filled for the first time, or brought up to date."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from dap.dap_error import OutOfRangeError, SnapshotRequiredError
from pysqlsync.base import QueryException

from .dap_client import described, patiently, replicator
from .database import Login, drop_table, forget, grants_on, is_initialised, only_one, row_count
from .parameters import ApiCredentials

logger = logging.getLogger(__name__)
_VIEWS_IN_THE_WAY = (asyncpg.DependentObjectsStillExistError, asyncpg.FeatureNotSupportedError)
_ERROR_LENGTH = 300

Result = dict[str, Any]
"""`namespace`, `table_name`, `step`, `state` and `error`, empty when there is none; besides what is worth telling."""


class ReplicatedTable:
    """One table, to be worked on by one process at a time."""

    def __init__(self, namespace: str, name: str, *, credentials: ApiCredentials, login: Login) -> None:
        self.namespace = namespace
        self.name = name
        self._credentials = credentials
        self._login = login

    async def sync(self) -> Result:
        """Bring the table up to date.

        `complete`; `complete_with_update` when views had to make way for a new schema; `needs_init` when it was never
        filled, was dropped, or is too old to be brought up to date.
        """
        async with only_one(self._login, self.namespace, self.name) as connection:
            if not await is_initialised(connection, self.namespace, self.name):
                return self.result("sync", "needs_init")
            try:
                return await self._replicate("sync", connection)
            except (SnapshotRequiredError, OutOfRangeError) as error:
                about = {"table": self.name, "error": described(error)}
                logger.warning("A new snapshot is needed", extra={"about": about})
                await forget(connection, self.namespace, self.name)
                return self.result("sync", "needs_init")

    async def init(self, *, again: bool = False) -> Result:
        """Fill the table from a snapshot; what an earlier attempt left unfinished is removed first.

        A table that is filled already is left as it is: the report of a task that has ended may get lost. With `again`
        it is dropped first, whatever its columns are by now; its views and grants are put back.
        """
        async with only_one(self._login, self.namespace, self.name) as connection:
            if again and (grants := await grants_on(connection, self.namespace, self.name)) is not None:
                return await self._fill_anew(connection, grants)
            if await is_initialised(connection, self.namespace, self.name):
                return self.result("init", "complete", note="was initialised already")
            return {**await self._replicate("init", connection), "state": "complete"}

    async def _fill_anew(self, connection: asyncpg.Connection[Any], grants: list[str]) -> Result:
        async with self._views_out_of_the_way(connection) as unrestored:
            # should this process be killed, the log says what to grant again; the views are kept in the database
            logger.info("Dropping", extra={"about": {"table": self.name, "grants": grants}})
            await drop_table(connection, self.namespace, self.name)
            await self._run_client("init", connection)
            for grant in grants:
                await connection.execute(grant)
        rows = await row_count(connection, self.namespace, self.name)
        besides: dict[str, Any] = {"views_not_restored": unrestored} if unrestored else {}
        return self.result("init", "complete", rows=rows, **besides)

    def result(self, step: str, state: str, *, error: str = "", **besides: Any) -> Result:
        """What the state machine is told of this table."""
        return {
            "namespace": self.namespace,
            "table_name": self.name,
            "step": step,
            "state": state,
            "error": error[:_ERROR_LENGTH],
            **besides,
        }

    async def _replicate(self, step: str, connection: asyncpg.Connection[Any]) -> Result:
        unrestored = await self._restore_views(connection)  # of a process that was killed
        try:
            await self._run_client(step, connection)
            updated = False
        except QueryException as error:
            if not isinstance(error.__cause__, _VIEWS_IN_THE_WAY):
                raise
            async with self._views_out_of_the_way(connection) as unrestored:
                await self._run_client(step, connection)
            updated = True
        rows = await row_count(connection, self.namespace, self.name)
        besides: dict[str, Any] = {"views_not_restored": unrestored} if unrestored else {}
        return self.result(step, "complete_with_update" if updated else "complete", rows=rows, **besides)

    async def _run_client(self, step: str, connection: asyncpg.Connection[Any]) -> None:
        async def once() -> None:
            if step == "init":
                await forget(connection, self.namespace, self.name)
            async with replicator(self._credentials, self._login) as client:
                async with only_one(self._login, "instructure_dap", "version"):  # its tables are made once
                    await client.version_upgrade()
                run = client.initialize if step == "init" else client.synchronize
                await run(self.namespace, self.name)

        await patiently(f"{step} {self.namespace}.{self.name}", once)

    @asynccontextmanager
    async def _views_out_of_the_way(self, connection: asyncpg.Connection[Any]) -> AsyncIterator[list[str]]:
        """The views of the table are dropped meanwhile, and back afterwards, whatever happens in between.

        What is yielded names, once the block is left, the views that the new schema does not suit.
        """
        dropped = await connection.fetchval("SELECT cd2_views.save_and_drop($1, $2)", self.namespace, self.name)
        logger.info("Views make way for a new schema", extra={"about": {"table": self.name, "views": dropped}})
        unrestored: list[str] = []
        try:
            yield unrestored
        finally:
            unrestored += await self._restore_views(connection)

    async def _restore_views(self, connection: asyncpg.Connection[Any]) -> list[str]:
        rows = await connection.fetch("SELECT * FROM cd2_views.restore($1, $2)", self.namespace, self.name)
        for row in rows:
            logger.error("A view cannot be restored", extra={"about": dict(row)})
        return [row["view_name"] for row in rows]
