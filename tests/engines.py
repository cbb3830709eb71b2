"""A pytest plugin: real servers from the system's packages (`operations.engines`), for the tests of one worker.

The fixtures are `mariadb`, `postgresql`, `redis_cluster` and `memcached`. Each server can be taken away and brought back
by `with server.stopped():`, and made to hang by `with server.frozen():`. A test whose engine is not installed is skipped
with the package's name, or fails where CI is set. Mark the tests with `@pytest.mark.engines`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NoReturn, TypeVar

import pytest

from operations.engines import mariadb as mariadb_engine
from operations.engines import memcached as memcached_engine
from operations.engines import postgresql as postgresql_engine
from operations.engines import redis_cluster as redis_engine
from operations.engines.mariadb import MariaDb
from operations.engines.postgresql import PostgreSql
from operations.engines.redis_cluster import RedisCluster
from operations.engines.server import Engine, MissingEngineError, programs_of

Started = TypeVar("Started")


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    """A MariaDB server."""
    with there(mariadb_engine.mariadb()) as server:
        yield server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSql]:
    """A PostgreSQL server."""
    with there(postgresql_engine.postgresql()) as server:
        yield server


@pytest.fixture(scope="session")
def redis_cluster() -> Iterator[RedisCluster]:
    """A Redis cluster of three primary nodes."""
    with there(redis_engine.redis_cluster()) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def memcached() -> Iterator[Engine]:
    """A memcached server."""
    with there(memcached_engine.memcached()) as server:
        yield server


@contextlib.contextmanager
def there(engine: AbstractContextManager[Started]) -> Iterator[Started]:
    """An engine while it runs; without its package the test is skipped, or fails where CI is set."""
    with contextlib.ExitStack() as stack:
        try:
            started = stack.enter_context(engine)
        except MissingEngineError as error:
            _missing(error)
        yield started


def need(package: str, *programs: str, folder: Path | None = None) -> list[str]:
    """Paths of a package's programs; when one is missing the test is skipped, or fails where CI is set."""
    try:
        return programs_of(package, *programs, folder=folder)
    except MissingEngineError as error:
        _missing(error)


def _missing(error: MissingEngineError) -> NoReturn:
    if os.environ.get("CI"):
        pytest.fail(str(error), pytrace=False)
    pytest.skip(str(error))
