"""The real DAP client, used so that one process can work on one table after another, and asked again when it pays."""

from __future__ import annotations

import asyncio
import logging
import os
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import ModuleType
from typing import TypeVar

import aiohttp
from dap.api import DAPClient, DAPClientError
from dap.dap_error import ProcessingError, ServerError
from dap.dap_types import Credentials
from dap.integration.database import DatabaseConnection, DatabaseConnectionConfig
from dap.replicator import canvas, canvas_logs, catalog
from dap.replicator.sql import SQLReplicator
from pysqlsync.model.data_types import SqlDataType, SqlDoubleType, SqlIntegerType, SqlRealType
from strong_typing.auxiliary import float32, float64, int16, int32, int64

from .database import Login
from .parameters import ApiCredentials

logger = logging.getLogger(__name__)
MODULES: dict[str, ModuleType] = {"canvas": canvas, "canvas_logs": canvas_logs, "catalog": catalog}
WORTH_TRYING_AGAIN = (
    aiohttp.ClientError,  # 429 and 5xx, broken connections, and 403 of a link that has expired
    DAPClientError,  # a gateway that answers without JSON
    ProcessingError,  # a job that failed on Canvas's side
    ServerError,  # what the API says without a kind of its own, throttling among it
    TimeoutError,
)
_REFUSED_FOR_GOOD = (400, 401, 404, 405, 410, 422)
"""Statuses that the same request gets again: wrong credentials, a table that is not there."""
_NUMBERS: dict[object, SqlDataType] = {
    int16: SqlIntegerType(2),
    int32: SqlIntegerType(4),
    int64: SqlIntegerType(8),
    float32: SqlRealType(),
    float64: SqlDoubleType(),
}
_FIRST_PAUSE_SECONDS = 2.0
_LONGEST_PAUSE_SECONDS = 120.0
T = TypeVar("T")


@asynccontextmanager
async def replicator(credentials: ApiCredentials, login: Login) -> AsyncIterator[SQLReplicator]:
    """The client, signed in to the API at DAP_API_URL and to the database."""
    for module in MODULES.values():
        _forget_tables(module)
    config = DatabaseConnectionConfig(
        "postgresql", login.host, login.port, login.username, login.password, login.dbname, login.tls
    )
    known = Credentials.create(client_id=credentials.client_id, client_secret=credentials.client_secret)
    async with DAPClient(os.environ["DAP_API_URL"], known) as session:
        database = DatabaseConnection.from_config(config)
        _know_numbers(database)
        yield SQLReplicator(session, database)


async def patiently(
    what: str, work: Callable[[], Awaitable[T]], *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> T:
    """The result of `work`, tried up to API_ATTEMPTS times with growing pauses while the API throttles or fails.

    What it refuses for good is not asked for again.
    """
    attempts = int(os.environ.get("API_ATTEMPTS", "6"))
    for attempt in range(1, attempts + 1):
        try:
            return await work()
        except WORTH_TRYING_AGAIN as error:
            refused = isinstance(error, aiohttp.ClientResponseError) and error.status in _REFUSED_FOR_GOOD
            if attempt == attempts or refused:
                raise
            longest = min(_FIRST_PAUSE_SECONDS * 2 ** (attempt - 1), _LONGEST_PAUSE_SECONDS)
            pause = random.uniform(longest / 2, longest)  # noqa: S311  # spreads requests, hides nothing
            about = {"what": what, "attempt": attempt, "error": repr(error), "pause_seconds": round(pause, 1)}
            logger.warning("Trying again", extra={"about": about})
            await sleep(pause)
    raise AssertionError("API_ATTEMPTS is at least 1")


def _know_numbers(database: DatabaseConnection) -> None:
    """Tell the client's converter the column types of numbers by equality.

    By itself it knows them by identity, and that ends when `typing` has forgotten the type to make room for others: a
    process that has worked on many tables then takes every integer for changed, and refuses every float.
    """
    database.connection.generator.converter.options.substitutions.update(_NUMBERS)


def _forget_tables(module: ModuleType) -> None:
    """Remove the classes that the client left in its module for an earlier table.

    It brings every table in there to the schema in there: in a function that is used again, to yesterday's.
    """
    for name, value in list(vars(module).items()):
        if isinstance(value, type):
            delattr(module, name)
