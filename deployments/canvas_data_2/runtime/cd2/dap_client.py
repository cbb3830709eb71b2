"""The real DAP client, used so that one process can work on one table after another, and asked again when it pays."""

from __future__ import annotations

import asyncio
import functools
import http
import logging
import os
import random
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any, TypeVar

import aiohttp
from aiohttp_retry import ExponentialRetry, RetryClient
from dap.api import DAPClient, DAPClientError, DAPSession
from dap.dap_error import AccountUnderMaintenanceError, OperationError, ProcessingError, ServerError
from dap.dap_types import Credentials, FailedJob, Job, Query
from dap.integration.database import DatabaseConnection, DatabaseConnectionConfig
from dap.replicator import canvas, canvas_logs, catalog
from dap.replicator.sql import SQLReplicator
from dap.replicator.sql_op import str_to_namespace
from pysqlsync.model.data_types import SqlDataType, SqlDoubleType, SqlIntegerType, SqlRealType
from strong_typing.auxiliary import float32, float64, int16, int32, int64

from .database import Login
from .parameters import ApiCredentials

logger = logging.getLogger(__name__)
NEW_QUIZZES = "new_quizzes"
"""A namespace of the API that client 1.4.0 has no module for, as client 2 has."""
_quizzes = ModuleType(f"dap.replicator.{NEW_QUIZZES}")
sys.modules[_quizzes.__name__] = str_to_namespace[NEW_QUIZZES] = _quizzes  # type: ignore[assignment,unused-ignore]
MODULES: dict[str, ModuleType] = {
    "canvas": canvas,
    "canvas_logs": canvas_logs,
    "catalog": catalog,
    NEW_QUIZZES: _quizzes,
}
WORTH_TRYING_AGAIN = (
    AccountUnderMaintenanceError,
    aiohttp.ClientError,  # broken connections, and 403 of a link that has expired
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
_CLOSED_SECONDS = 1800.0
"""So long a request waits in all while the API throttles or is under maintenance; attempts are not counted then."""
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
    async with PatientClient(os.environ["DAP_API_URL"], known) as session:
        database = DatabaseConnection.from_config(config)
        # the client's own namespaces are the others
        database.connection.generator.options.namespaces[_quizzes] = NEW_QUIZZES
        _know_numbers(database)
        yield SQLReplicator(session, database)


class PatientSession(DAPSession):
    """Repeats a single request while the API throttles, fails or is under maintenance.

    The job it asks about goes on at Canvas meanwhile. Errors keep what the API said, whatever their status.
    """

    def __init__(self, session: aiohttp.ClientSession, base_url: str, credentials: Credentials) -> None:
        super().__init__(session, base_url, credentials)
        self._retry_client = RetryClient(client_session=session, retry_options=ExponentialRetry(attempts=1))

    async def _get(self, path: str, response_type: Any) -> Any:
        return await patiently(f"GET {path}", functools.partial(super()._get, path, response_type))

    async def _post(self, path: str, request_data: Any, response_type: Any) -> Any:
        return await patiently(f"POST {path}", functools.partial(super()._post, path, request_data, response_type))

    async def _process(self, response: aiohttp.ClientResponse, *arguments: Any, **named: Any) -> Any:
        try:
            return await super()._process(response, *arguments, **named)
        except Exception as error:
            error.status = response.status  # type: ignore[attr-defined]  # read by patiently
            error.retry_after = response.headers.get("Retry-After", "")  # type: ignore[attr-defined]  # as above
            raise

    async def execute_job(self, namespace: str, table: str, query: Query) -> Job:
        """The finished job. Raises the error of a job that failed."""
        job = await super().execute_job(namespace, table, query)
        if isinstance(job, FailedJob):
            raise job.error
        return job


class PatientClient(DAPClient):
    """The client with sessions that are patient."""

    async def __aenter__(self) -> DAPSession:
        await (await super().__aenter__()).close()
        session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30 * 60, connect=30))
        self._session = PatientSession(session, self._base_url, self._credentials)
        return self._session


async def patiently(
    what: str, work: Callable[[], Awaitable[T]], *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> T:
    """The result of `work`, tried up to API_ATTEMPTS times with growing pauses while the API fails.

    While it throttles or is under maintenance, attempts do not count: it is waited for, half an hour at most. What it
    refuses for good is not asked for again, nor what was given up further inside.
    """
    attempts = int(os.environ.get("API_ATTEMPTS", "6"))
    tried = failed = 0
    waited = 0.0
    while True:
        tried += 1
        try:
            return await work()
        except WORTH_TRYING_AGAIN as error:
            status = getattr(error, "status", None)
            closed = status == http.HTTPStatus.TOO_MANY_REQUESTS or isinstance(error, AccountUnderMaintenanceError)
            failed += not closed
            given_up = failed == attempts or waited >= _CLOSED_SECONDS or status in _REFUSED_FOR_GOOD
            if given_up or getattr(error, "given_up", False):
                error.given_up = True  # type: ignore[union-attr]  # for the call around this one
                raise
            longest = min(_FIRST_PAUSE_SECONDS * 2 ** (tried - 1), _LONGEST_PAUSE_SECONDS)
            asked = getattr(error, "retry_after", "")
            pause = random.uniform(longest / 2, longest)  # noqa: S311  # spreads requests, hides nothing
            if asked.isdigit():
                pause = min(max(pause, float(asked)), _LONGEST_PAUSE_SECONDS)
            about = {"what": what, "attempt": tried, "error": described(error), "pause_seconds": round(pause, 1)}
            logger.warning("Trying again", extra={"about": about})
            await sleep(pause)
            waited += pause


def described(error: BaseException) -> str:
    """The kind of an error and its message; of the API's errors the type and the uuid, which support asks for, as well.

    The client's errors are data classes whose text is empty.
    """
    said: Any = vars(error) if isinstance(error, OperationError) else getattr(error, "body", {})
    kind = type(error).__name__
    if not isinstance(said, dict) or "message" not in said:
        return f"{kind}: {said or error}"
    about = ", ".join(f"{name} {said[name]}" for name in ("type", "uuid") if said.get(name))
    return f"{kind}{f' ({about})' if about else ''}: {said['message']}"


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
