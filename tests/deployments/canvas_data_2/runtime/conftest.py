"""A DAP API with two tables, and a database prepared for the pipeline's user."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from deployments.canvas_data_2.day2.rehearsal.dap_api import DapApi, SourceTable
from deployments.canvas_data_2.day2.rehearsal.replica import USER, Replica, make_replica
from deployments.canvas_data_2.runtime.cd2.database import Login
from operations.engines.postgresql import PostgreSql
from tests.deployments.canvas_data_2.sources import ADMIN_PASSWORD, USER_PASSWORD, prepare, users


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[DapApi]:
    """The DAP API with the tables `users` and `courses`."""
    with DapApi() as running:
        monkeypatch.setenv("DAP_API_URL", running.url)
        running.tables["users"] = users()
        running.tables["courses"] = SourceTable({"title": {"type": "string"}})
        running.tables["courses"].put(1, title="Logic")
        yield running


@pytest.fixture
def replica(postgresql: PostgreSql) -> Iterator[Replica]:
    """A database prepared as `quintet canvas prepare-database` does it."""
    made = make_replica(postgresql, "cd2", ADMIN_PASSWORD)
    prepare(made)
    yield made
    made.server.psql('DROP DATABASE IF EXISTS "cd2" WITH (FORCE)')


@pytest.fixture
def login(replica: Replica, monkeypatch: pytest.MonkeyPatch) -> Login:
    monkeypatch.setenv("SSL_CERT_FILE", str(replica.server.trusted))
    return Login(replica.server.host, replica.server.port, replica.name, USER, USER_PASSWORD)
