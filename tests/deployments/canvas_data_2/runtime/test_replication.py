"""One table in the database: the real DAP client, a real PostgreSQL, and a server that plays the API."""

from __future__ import annotations

import asyncio
import re
import ssl
from typing import Annotated

import asyncpg
import pytest
from dap.dap_error import AccountUnderMaintenanceError, NotFoundError, ProcessingError, ServerError
from pysqlsync.formation.object_types import FormationError

from deployments.canvas_data_2.day2.rehearsal.dap_api import CLIENT_ID, CLIENT_SECRET, DapApi, checksum_of
from deployments.canvas_data_2.day2.rehearsal.replica import USER, Replica
from deployments.canvas_data_2.runtime.cd2 import dap_client, replication
from deployments.canvas_data_2.runtime.cd2.database import DatabaseBusyError, Login, only_one
from deployments.canvas_data_2.runtime.cd2.parameters import ApiCredentials
from deployments.canvas_data_2.runtime.cd2.replication import ReplicatedTable
from operations.engines.authority import CertificateAuthority
from operations.engines.server import EngineError
from tests.deployments.canvas_data_2.sources import prepare, table

pytestmark = pytest.mark.engines


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dap_client, "_FIRST_PAUSE_SECONDS", 0.01)


def init(name: str, login: Login) -> replication.Result:
    return asyncio.run(table(name, login).init())


def sync(name: str, login: Login) -> replication.Result:
    return asyncio.run(table(name, login).sync())


def test_a_table_that_was_never_filled_needs_init(api: DapApi, login: Login) -> None:
    assert sync("users", login)["state"] == "needs_init"


def test_init_fills_the_table_with_every_row_of_the_source(api: DapApi, login: Login, replica: Replica) -> None:
    assert init("users", login)["state"] == "complete"
    assert replica.checksum("users") == checksum_of(api.tables["users"])


def test_sync_brings_what_was_added_changed_and_deleted(api: DapApi, login: Login, replica: Replica) -> None:
    init("users", login)
    source = api.tables["users"]
    source.put(2, name="changed", points=-1)
    source.put(9, name="added", points=None)
    source.delete(1)
    assert sync("users", login)["state"] == "complete"
    assert replica.checksum("users") == checksum_of(source)


def test_a_second_init_changes_nothing(api: DapApi, login: Login, replica: Replica) -> None:
    init("users", login)
    assert init("users", login)["note"] == "was initialised already"
    assert len(replica.rows("users")) == 3


def test_what_a_killed_init_left_is_not_there_twice(api: DapApi, login: Login, replica: Replica) -> None:
    init("users", login)
    replica.sql("DELETE FROM instructure_dap.table_sync")  # the last thing that an init writes
    replica.sql("DELETE FROM canvas.users WHERE id = 3")
    assert init("users", login)["state"] == "complete"
    assert replica.checksum("users") == checksum_of(api.tables["users"])


def test_one_process_works_on_tables_one_after_another(api: DapApi, login: Login, replica: Replica) -> None:
    for name in ("users", "courses"):
        init(name, login)
    api.tables["users"].columns["email"] = {"type": "string"}
    api.tables["users"].put(1, name="n", points=1, email="a@example.org")
    assert sync("users", login)["state"] == "complete"
    assert sync("courses", login)["state"] == "complete"
    assert replica.rows("users")[0]["email"] == "a@example.org"


def test_columns_are_known_again_by_a_process_that_has_seen_many_types(
    api: DapApi, login: Login, replica: Replica
) -> None:
    api.tables["users"].columns["score"] = {"type": "number", "format": "float64"}
    init("users", login)
    for number in range(1000):
        assert Annotated[int, number]  # typing remembers so many, and makes those of before anew
    api.tables["users"].put(1, name="n", points=1, score=0.5)
    assert sync("users", login)["state"] == "complete"
    assert replica.rows("users")[0]["score"] == 0.5


@pytest.fixture
def widened(api: DapApi, login: Login, replica: Replica) -> DapApi:
    """The column `points` has become a string in the source, and views stand on it in the database."""
    init("users", login)
    replica.sql("DROP ROLE IF EXISTS analyst")
    replica.sql("CREATE ROLE analyst; GRANT analyst TO cd2_admin; GRANT USAGE ON SCHEMA canvas TO analyst")
    replica.sql("CREATE SCHEMA reports AUTHORIZATION analyst; GRANT SELECT ON canvas.users TO analyst")
    replica.sql(
        "SET ROLE analyst;"
        "CREATE VIEW reports.best WITH (security_barrier=true) AS SELECT id, name, points FROM canvas.users;"
        "CREATE VIEW reports.names AS SELECT name FROM reports.best;"
        "CREATE MATERIALIZED VIEW reports.kept AS SELECT id, points FROM canvas.users;"
        "CREATE UNIQUE INDEX kept_id ON reports.kept (id);"
        "COMMENT ON VIEW reports.best IS 'who is best; really';"
        "COMMENT ON COLUMN reports.best.name IS 'of the user';"
        f"GRANT SELECT ON reports.best TO {USER} WITH GRANT OPTION; GRANT SELECT (name) ON reports.names TO PUBLIC"
    )
    api.tables["users"].columns["points"] = {"type": "string"}
    api.tables["users"].version = 2
    for key in api.tables["users"].rows:
        api.tables["users"].put(key, name=f"user {key}", points=f"{key * 10} points")
    return api


VIEWS = """
SELECT c.relname, c.relkind, r.rolname, c.reloptions, c.relacl::text, obj_description(c.oid),
       (SELECT array_agg(col_description(c.oid, a.attnum) || coalesce(a.attacl::text, '') ORDER BY a.attnum)
          FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0),
       (SELECT array_agg(pg_get_indexdef(indexrelid)) FROM pg_index WHERE indrelid = c.oid)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner
 WHERE n.nspname = 'reports' AND c.relkind IN ('v', 'm') ORDER BY 1
"""


def drop_reports(replica: Replica) -> None:
    replica.sql("DROP OWNED BY analyst CASCADE; DROP ROLE analyst")


def test_views_survive_a_column_change_with_owners_grants_comments_and_indexes(
    widened: DapApi, login: Login, replica: Replica
) -> None:
    before = replica.sql(VIEWS)
    assert sync("users", login)["state"] == "complete_with_update"
    assert replica.sql(VIEWS) == before
    assert replica.sql("SELECT points FROM reports.best WHERE id = 2") == "20 points"
    assert replica.sql("SELECT points FROM reports.kept WHERE id = 2") == "20 points"
    assert replica.sql("SELECT count(*) FROM cd2_views.saved") == "0"
    drop_reports(replica)


def test_views_are_back_even_when_the_sync_fails(
    widened: DapApi, login: Login, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = replica.sql(VIEWS)
    monkeypatch.setenv("API_ATTEMPTS", "1")
    widened.faults.broken.add("users")
    with pytest.raises(ProcessingError):
        sync("users", login)
    assert replica.sql(VIEWS) == before
    drop_reports(replica)


def test_views_that_a_killed_process_left_dropped_come_back_with_the_next_sync(
    widened: DapApi, login: Login, replica: Replica
) -> None:
    before = replica.sql(VIEWS)

    async def drop_and_die() -> None:
        connection = await login.connect()
        await connection.execute("SELECT cd2_views.save_and_drop('canvas', 'users')")
        await connection.close()

    asyncio.run(drop_and_die())
    assert replica.sql(VIEWS) == ""
    sync("users", login)
    assert replica.sql(VIEWS) == before
    drop_reports(replica)


def test_a_view_that_the_new_schema_does_not_suit_is_named_and_kept_for_later(
    widened: DapApi, login: Login, replica: Replica
) -> None:
    replica.sql("SET ROLE analyst; CREATE VIEW reports.doubled AS SELECT points * 2 AS twice FROM canvas.users")
    result = sync("users", login)
    assert result["state"] == "complete_with_update"
    assert result["views_not_restored"] == ["reports.doubled"]
    assert "operator does not exist" in replica.sql("SELECT error FROM cd2_views.saved")
    assert replica.sql("SELECT count(*) FROM reports.best") == "3"
    drop_reports(replica)


def test_preparing_again_keeps_views_that_are_saved(widened: DapApi, login: Login, replica: Replica) -> None:
    async def drop() -> None:
        connection = await login.connect()
        await connection.execute("SELECT cd2_views.save_and_drop('canvas', 'users')")
        await connection.close()

    asyncio.run(drop())
    prepare(replica)
    assert replica.sql("SELECT count(*) FROM cd2_views.saved") == "3"
    drop_reports(replica)


def test_nobody_but_the_tables_owner_may_drop_its_views(widened: DapApi, login: Login, replica: Replica) -> None:
    replica.sql(
        "GRANT USAGE ON SCHEMA cd2_views TO analyst; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cd2_views TO analyst"
    )
    with pytest.raises(EngineError, match=r"canvas.users is not yours"):
        replica.sql("SET SESSION AUTHORIZATION analyst; SELECT cd2_views.save_and_drop('canvas', 'users')")
    drop_reports(replica)


def test_a_dropped_table_needs_init_and_is_filled_whole(api: DapApi, login: Login, replica: Replica) -> None:
    init("users", login)
    replica.sql("DROP TABLE canvas.users")
    assert sync("users", login)["state"] == "needs_init"
    assert init("users", login)["state"] == "complete"
    assert replica.checksum("users") == checksum_of(api.tables["users"])


def test_init_again_fills_a_table_that_no_sync_can_and_keeps_views_and_grants(
    widened: DapApi, login: Login, replica: Replica
) -> None:
    users = widened.tables["users"]
    users.columns["state"] = {"type": "string", "enum": ["new", "old", "gone"]}
    sync("users", login)
    replica.sql("GRANT UPDATE (name) ON canvas.users TO analyst WITH GRANT OPTION")
    before = replica.sql(VIEWS)
    users.columns["state"] = {"type": "string", "enum": ["new", "old"]}
    users.version += 1
    users.put(1, name="changed", points="1", state="new")
    with pytest.raises(FormationError):
        sync("users", login)
    result = asyncio.run(table("users", login).init(again=True))
    assert result["state"] == "complete"
    assert "views_not_restored" not in result
    assert replica.checksum("users") == checksum_of(users)
    assert replica.sql(VIEWS) == before
    assert replica.sql("SET ROLE analyst; SELECT name FROM reports.best WHERE id = 1") == "SET\nchanged"
    assert (
        replica.sql("SELECT has_column_privilege('analyst', 'canvas.users', 'name', 'UPDATE WITH GRANT OPTION')") == "t"
    )
    assert sync("users", login)["state"] == "complete"
    drop_reports(replica)


def test_init_again_of_a_table_that_was_never_filled_fills_it(api: DapApi, login: Login, replica: Replica) -> None:
    assert asyncio.run(table("users", login).init(again=True))["state"] == "complete"
    assert replica.checksum("users") == checksum_of(api.tables["users"])


def test_new_quizzes_is_a_namespace_with_a_schema_of_its_own(api: DapApi, login: Login, replica: Replica) -> None:
    quizzes = table("users", login, "new_quizzes")
    assert asyncio.run(quizzes.init())["state"] == "complete"
    api.tables["users"].put(7, name="added", points=None)
    assert asyncio.run(quizzes.sync())["state"] == "complete"
    assert replica.sql("SELECT count(*) FROM new_quizzes.users") == "4"
    assert replica.sql("SELECT to_regclass('canvas.users') IS NULL") == "t"


def test_a_job_that_is_asked_about_goes_on_while_the_api_throttles(
    api: DapApi, login: Login, replica: Replica, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def at_once(*_: object) -> None: ...

    monkeypatch.setattr(dap_client.PatientSession, "wait_seconds", at_once)
    monkeypatch.setenv("API_ATTEMPTS", "1")
    api.faults.polls["users"] = 2
    api.faults.throttled["/dap/job/"] = 5
    assert init("users", login)["state"] == "complete"
    assert api.faults.throttled["/dap/job/"] == 0
    assert api.requests["/dap/query/canvas/table/users/data"] == 1
    assert replica.checksum("users") == checksum_of(api.tables["users"])


@pytest.mark.parametrize("path", ["/dap/query/canvas/table/users/schema", "/dap/query/canvas/table/users/data"])
def test_maintenance_of_the_account_is_waited_for(
    api: DapApi, login: Login, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_ATTEMPTS", "1")
    api.faults.maintained[path] = 3
    assert init("users", login)["state"] == "complete"
    assert api.faults.maintained[path] == 0


def test_maintenance_that_lasts_is_given_up_with_type_uuid_and_message(
    api: DapApi, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dap_client, "_CLOSED_SECONDS", 0.02)
    api.faults.maintained["/dap/query"] = 1000
    with pytest.raises(AccountUnderMaintenanceError) as raised:
        init("users", login)
    assert api.faults.maintained["/dap/query"] > 900
    said = dap_client.described(raised.value)
    assert re.fullmatch(
        r"AccountUnderMaintenanceError \(type AccountUnderMaintenance, uuid [0-9a-f-]{36}\): back soon", said
    )


def test_a_job_that_failed_is_told_with_type_uuid_and_message(
    api: DapApi, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_ATTEMPTS", "1")
    api.faults.broken.add("users")
    with pytest.raises(ProcessingError) as raised:
        init("users", login)
    said = dap_client.described(raised.value)
    assert re.fullmatch(r"ProcessingError \(type ProcessingError, uuid [0-9a-f-]{36}\): the job broke", said)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ServerError({"type": "T", "uuid": "u-1", "message": "m"}), "ServerError (type T, uuid u-1): m"),
        (ServerError({"message": "API rate limit exceeded"}), "ServerError: API rate limit exceeded"),
        (ServerError("no JSON"), "ServerError: no JSON"),
        (ValueError("plain"), "ValueError: plain"),
    ],
)
def test_other_errors_are_told_with_all_they_say(error: Exception, said: str) -> None:
    assert dap_client.described(error) == said


def test_a_throttled_api_is_waited_for(api: DapApi, login: Login, replica: Replica) -> None:
    api.faults.throttled["/dap/query/canvas/table/users/data"] = 2
    assert init("users", login)["state"] == "complete"
    assert api.faults.throttled["/dap/query/canvas/table/users/data"] == 0


def test_expired_links_are_asked_for_again(api: DapApi, login: Login, replica: Replica) -> None:
    api.faults.expired_links["users"] = 4
    assert init("users", login)["state"] == "complete"
    assert replica.checksum("users") == checksum_of(api.tables["users"])


def test_a_table_too_old_for_a_sync_is_filled_anew(api: DapApi, login: Login, replica: Replica) -> None:
    init("users", login)
    api.faults.too_old.add("users")
    assert sync("users", login)["state"] == "needs_init"
    assert init("users", login)["state"] == "complete"
    assert replica.checksum("users") == checksum_of(api.tables["users"])


def test_two_processes_never_work_on_one_table_at_once(
    api: DapApi, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("deployments.canvas_data_2.runtime.cd2.database.LOCK_WAIT_SECONDS", 1)

    async def both() -> None:
        async with only_one(login, "canvas", "users"):
            await table("users", login).sync()

    with pytest.raises(DatabaseBusyError, match=r"another process works on canvas.users"):
        asyncio.run(both())


def test_the_pipelines_user_is_neither_superuser_nor_maker_of_roles(replica: Replica) -> None:
    assert replica.sql(f"SELECT rolsuper, rolcreaterole, rolcreatedb FROM pg_roles WHERE rolname = '{USER}'") == "f|f|f"


def test_the_password_behind_the_verifier_signs_in(login: Login) -> None:
    async def sign_in() -> str:
        connection = await login.connect()
        name: str = await connection.fetchval("SELECT current_user")
        await connection.close()
        return name

    assert asyncio.run(sign_in()) == USER
    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(login._replace(password="another").connect())


def test_what_the_api_refuses_for_good_is_asked_for_once(api: DapApi, login: Login) -> None:
    with pytest.raises(NotFoundError):
        init("no_such_table", login)
    assert api.requests["/dap/query/canvas/table/no_such_table/schema"] == 1


def test_every_session_is_encrypted(api: DapApi, login: Login, replica: Replica) -> None:
    api.faults.slow["users"] = 1
    encrypted = (
        "SELECT count(*), bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'canvas'"
    )

    async def watched() -> list[str]:
        filling = asyncio.create_task(table("users", login).init())
        seen = []
        while not filling.done():
            seen.append(await asyncio.to_thread(replica.sql, encrypted))
        await filling
        return seen

    seen = asyncio.run(watched())
    assert "2|t" in seen  # the one that holds the lock, and the client's own
    assert not [sessions for sessions in seen if sessions.endswith("|f")]


def test_a_server_with_a_certificate_of_somebody_else_is_refused(api: DapApi, login: Login, replica: Replica) -> None:
    with (
        replica.server.certified_by(CertificateAuthority("somebody else")),
        pytest.raises(ssl.SSLError, match="verify"),
    ):
        init("users", login)
    assert not api.requests


def test_a_server_with_a_certificate_for_another_address_is_refused(login: Login, replica: Replica) -> None:
    with replica.server.certified_for("127.0.0.9"), pytest.raises(ssl.SSLError, match=r"127\.0\.0\.1"):
        init("users", login)


def test_the_client_verifies_the_server_by_itself_as_well(api: DapApi, login: Login, replica: Replica) -> None:
    async def client_only() -> None:
        async with dap_client.replicator(ApiCredentials(CLIENT_ID, CLIENT_SECRET), login) as client:
            await client.version_upgrade()

    asyncio.run(client_only())
    with (
        replica.server.certified_by(CertificateAuthority("somebody else")),
        pytest.raises(ssl.SSLError, match="verify"),
    ):
        asyncio.run(client_only())


def test_a_sync_that_is_stopped_can_be_begun_again(api: DapApi, login: Login, replica: Replica) -> None:
    init("users", login)
    source = api.tables["users"]
    source.put(2, name="changed", points=7)
    api.faults.slow["users"] = 30

    async def stopped() -> None:
        async with asyncio.timeout(1.5):
            await table("users", login).sync()

    with pytest.raises(TimeoutError):
        asyncio.run(stopped())
    api.faults.slow.clear()
    assert sync("users", login)["state"] == "complete"
    assert replica.checksum("users") == checksum_of(source)


def test_the_table_class_says_what_the_state_machine_reads(login: Login) -> None:
    result = ReplicatedTable.result(table("users", login), "sync", "failed", error="x" * 1000)
    assert set(result) == {"namespace", "table_name", "step", "state", "error"}
    assert len(result["error"]) == 300
