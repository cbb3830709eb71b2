"""A node put into service: on a real MariaDB that plays the node, with the token server's tables on it too."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from deployments.sync_storage.day2.add_node import AddNode
from deployments.sync_storage.day2.token_server import TokenServerDatabase, statements
from deployments.sync_storage.stack import TABLES as NODE_TABLES
from modules.handlers import mysql_databases as handler
from modules.mysql_databases import HANDLER, code_with_client
from operations.engines.mariadb import MariaDb
from operations.errors import OperatorError
from tests.deployments.sync_storage.day2.sync_storage_support import (
    DOMAIN,
    Account,
    Fault,
    World,
    add_entry,
    function_variables,
    labels_of,
    lines_of,
    make_account,
    make_database,
    make_function,
    make_host_names,
    make_world,
)

if TYPE_CHECKING:
    from emulator.server import Emulator

pytestmark = pytest.mark.engines

TABLES = """
CREATE TABLE services (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, service VARCHAR(30) UNIQUE, pattern VARCHAR(128));
CREATE TABLE nodes (
  id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, service INT NOT NULL, node VARCHAR(64) NOT NULL,
  available INT NOT NULL, current_load INT NOT NULL, capacity INT NOT NULL, downed INT NOT NULL, backoff INT NOT NULL,
  UNIQUE KEY unique_idx (service, node));
INSERT INTO services (service, pattern) VALUES ('other-1.0', '{node}/x'), ('sync-1.5', '{node}/1.5/{uid}')
"""
"""As the token server makes them."""
DATABASE = "tokenserver"


@pytest.fixture
def token_server(mariadb: MariaDb) -> TokenServerDatabase:
    execute(mariadb, f"DROP DATABASE IF EXISTS {DATABASE}; CREATE DATABASE {DATABASE}")
    execute(mariadb, TABLES, DATABASE)
    return TokenServerDatabase(mariadb.host, mariadb.port, mariadb.user, DATABASE, mariadb.password)


def execute(mariadb: MariaDb, script: str, database: str | None = None) -> None:
    with mariadb.connect(database) as connection, connection.cursor() as cursor:
        for statement in filter(str.strip, script.split(";")):
            cursor.execute(statement)


def rows(mariadb: MariaDb) -> list[tuple[Any, ...]]:
    with mariadb.connect(DATABASE) as connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT service, node, available, current_load, capacity, downed, backoff FROM nodes ORDER BY id"
        )
        return list(cursor.fetchall())


EXPECTED = [(2, f"https://a-{number}.{DOMAIN}", 10, 0, 100, 0, 0) for number in range(10)]


@pytest.fixture(scope="module")
def shared(emulator: Emulator) -> Account:
    """With the very function that is deployed."""
    account = make_account(emulator, "310000000002")
    make_function(
        account, code_with_client({HANDLER.name: HANDLER, "tables.sql": NODE_TABLES}), f"{HANDLER.stem}.handle"
    )
    return account


@pytest.fixture
def in_process(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The function's code runs here, as the emulator needs seconds to start it."""
    client = world.client("lambda")

    def invoke(*, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803  # as boto3 calls them
        assert FunctionName == "databases"
        answer = json.dumps(handler.handle(json.loads(Payload), None)).encode()
        client.meta.events.emit("after-call.in-process.Invoke", model=SimpleNamespace(name="Invoke"))
        return {"Payload": io.BytesIO(answer)}

    for name, value in function_variables().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(handler, "TABLES", NODE_TABLES)
    monkeypatch.setattr(handler.boto3, "client", world.client)
    monkeypatch.setattr(client, "invoke", invoke)


@pytest.fixture
def world(shared: Account, mariadb: MariaDb, tmp_path: Path) -> Iterator[World]:
    """Terraform has made node a; its database server has a master user and nothing else."""
    made = make_world(shared, tmp_path, nodes=())
    add_entry(made, "a", address=mariadb.host, port=mariadb.port)
    make_host_names(made, "a")
    login = make_database(made, "a")
    drop_everything(mariadb)
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE OR REPLACE USER %s@'%%' IDENTIFIED BY %s", (login["username"], login["password"]))
        cursor.execute("GRANT ALL ON *.* TO %s@'%%' WITH GRANT OPTION", (login["username"],))
    yield made
    made.client("rds").delete_db_instance(DBInstanceIdentifier="node-a", SkipFinalSnapshot=True)
    drop_everything(mariadb)


def drop_everything(mariadb: MariaDb) -> None:
    execute(mariadb, ";".join(f"DROP DATABASE IF EXISTS syncstorage{number}" for number in range(10)))
    execute(mariadb, "DROP USER IF EXISTS syncstorage_app@'%'")


def databases(mariadb: MariaDb) -> list[str]:
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SHOW DATABASES LIKE 'syncstorage%'")
        return sorted(row[0] for row in cursor.fetchall())


def add_node(world: World, tmp_path: Path, token_server: TokenServerDatabase | None, **changes: Any) -> AddNode:
    arguments: dict[str, Any] = {
        "capacity": 100,
        "secrets_file": tmp_path / "secrets",
        "confirm": lambda: True,
        "token_server": token_server,
        "sql_file": None if token_server else tmp_path / "nodes.sql",
        "poll_seconds": 0,
        "database_seconds": 0,
        **changes,
    }
    rotation = world.rotation()
    return AddNode(world.deployed, world.deployed.nodes()["a"], rotation, rotation.console, **arguments)


def assert_in_service(world: World, mariadb: MariaDb, tmp_path: Path) -> None:
    assert databases(mariadb) == [f"syncstorage{number}" for number in range(10)]
    assert {line.count(":") for line in lines_of(world, "a")} == {2}
    assert labels_of(world, "a") == {"webheads", "token"}
    assert (tmp_path / "secrets").read_text().splitlines() == lines_of(world, "a")
    assert rows(mariadb) == EXPECTED


def test_a_node_is_put_into_service(
    world: World, mariadb: MariaDb, token_server: TokenServerDatabase, tmp_path: Path
) -> None:
    add_node(world, tmp_path, token_server).run()
    assert_in_service(world, mariadb, tmp_path)
    said = world.printed.getvalue()
    assert "10 databases made, 0 were there; user created" in said
    assert "10 added, 0 were there" in said


@pytest.mark.usefixtures("in_process")
def test_run_again_it_changes_nothing(
    world: World, mariadb: MariaDb, token_server: TokenServerDatabase, tmp_path: Path
) -> None:
    add_node(world, tmp_path, token_server).run()
    before = lines_of(world, "a")
    add_node(world, tmp_path, token_server).run()
    assert lines_of(world, "a") == before
    assert_in_service(world, mariadb, tmp_path)


@pytest.mark.usefixtures("in_process")
def test_interrupted_after_any_step_it_ends_well_when_it_is_run_again(
    world: World, mariadb: MariaDb, token_server: TokenServerDatabase, tmp_path: Path
) -> None:
    number_of_steps = len(add_node(world, tmp_path, token_server).steps())
    for number in range(number_of_steps):
        interrupted = add_node(world, tmp_path, token_server)
        steps = interrupted.steps()
        for title, step in steps[: number + 1]:
            assert step(), title
        assert bool(rows(mariadb)) == (number == number_of_steps - 1), "its rows come last"
        add_node(world, tmp_path, token_server).run()
        assert_in_service(world, mariadb, tmp_path)
        start_over(world, mariadb)


@pytest.mark.usefixtures("in_process")
def test_interrupted_after_any_change_it_ends_well_when_it_is_run_again(
    world: World, mariadb: MariaDb, token_server: TokenServerDatabase, tmp_path: Path
) -> None:
    with world.failing_after(99) as changes:
        add_node(world, tmp_path, token_server).run()
    for number in range(1, len(changes) + 1):
        start_over(world, mariadb)
        with pytest.raises(Fault, match=changes[number - 1]), world.failing_after(number):
            add_node(world, tmp_path, token_server).run()
        assert rows(mariadb) == [], "its rows come last"
        add_node(world, tmp_path, token_server).run()
        assert_in_service(world, mariadb, tmp_path)


def start_over(world: World, mariadb: MariaDb) -> None:
    """As before the node was added: other secrets, no databases, no rows."""
    drop_everything(mariadb)
    execute(mariadb, "DELETE FROM nodes", DATABASE)
    manager = world.client("secretsmanager")
    for name in (world.deployed.nodes()["a"].master_secrets, world.deployed.outputs.application_secret):
        manager.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
        manager.create_secret(Name=name)


@pytest.mark.usefixtures("in_process")
def test_without_the_token_servers_word_its_table_is_not_touched(
    world: World, mariadb: MariaDb, token_server: TokenServerDatabase, tmp_path: Path
) -> None:
    with pytest.raises(OperatorError, match="Nothing is noted"):
        add_node(world, tmp_path, token_server, confirm=lambda: False).run()
    assert rows(mariadb) == []
    assert labels_of(world, "a") == {"webheads"}


@pytest.mark.usefixtures("in_process")
def test_a_host_name_that_leads_elsewhere_stops_it_before_any_secret_is_made(
    world: World, mariadb: MariaDb, token_server: TokenServerDatabase, tmp_path: Path
) -> None:
    zone = world.deployed.outputs.zone_id
    record = {
        "Name": f"a-3.{DOMAIN}", "Type": "CNAME", "TTL": 300, "ResourceRecords": [{"Value": "elsewhere.example.org"}],
    }  # fmt: skip
    change = {"Action": "UPSERT", "ResourceRecordSet": record}
    world.client("route53").change_resource_record_sets(HostedZoneId=zone, ChangeBatch={"Changes": [change]})
    with pytest.raises(OperatorError, match=r"a-3.sync.example.org leads to elsewhere.example.org, not to"):
        add_node(world, tmp_path, token_server).run()
    with pytest.raises(world.client("secretsmanager").exceptions.ResourceNotFoundException):
        lines_of(world, "a")


def test_the_function_failing_is_reported_with_its_reason(
    world: World, mariadb: MariaDb, token_server: TokenServerDatabase, tmp_path: Path
) -> None:
    execute(mariadb, "DROP USER master@'%'")
    with pytest.raises(OperatorError, match=r"databases of node a were not made: .*[Aa]ccess denied"):
        add_node(world, tmp_path, token_server).run()


def test_a_dry_run_does_nothing(
    world: World, mariadb: MariaDb, token_server: TokenServerDatabase, tmp_path: Path
) -> None:
    with world.failing_after(99) as changes:
        add_node(world, tmp_path, token_server, dry_run=True).run()
    assert changes == []
    assert databases(mariadb) == []
    assert "Nothing was done" in world.printed.getvalue()


@pytest.mark.usefixtures("in_process")
def test_the_sql_for_others_adds_the_same_rows_and_may_be_run_twice(
    world: World, mariadb: MariaDb, token_server: TokenServerDatabase, tmp_path: Path
) -> None:
    add_node(world, tmp_path, None).run()
    script = (tmp_path / "nodes.sql").read_text()
    for _ in range(2):
        execute(mariadb, script, DATABASE)
        assert rows(mariadb) == EXPECTED


def test_a_node_that_is_known_with_another_capacity_is_left_alone(
    mariadb: MariaDb, token_server: TokenServerDatabase
) -> None:
    names = [name for _, name, *_ in EXPECTED]
    assert token_server.add(names[:2], 50) == names[:2]
    with pytest.raises(OperatorError, match="with a capacity of 50, not 100"):
        token_server.add(names, 100)
    assert len(rows(mariadb)) == 2


def test_all_rows_are_added_or_none(mariadb: MariaDb, token_server: TokenServerDatabase) -> None:
    too_long = f"https://{'x' * 70}.example.org"
    with pytest.raises(OperatorError, match=r"refuses: .*too long"):
        token_server.add([EXPECTED[0][1], too_long], 100)
    assert rows(mariadb) == []


def test_a_token_server_without_the_service_is_refused(mariadb: MariaDb, token_server: TokenServerDatabase) -> None:
    execute(mariadb, "DELETE FROM services WHERE service = 'sync-1.5'", DATABASE)
    with pytest.raises(OperatorError, match=r"has no service sync-1.5"):
        token_server.add(["https://a-0.sync.example.org"], 100)


def test_a_wrong_password_is_an_error_for_the_operator_that_does_not_show_it(mariadb: MariaDb) -> None:
    wrong = TokenServerDatabase(mariadb.host, mariadb.port, mariadb.user, DATABASE, "not-the-password")
    with pytest.raises(OperatorError, match="refuses: Access denied") as refusal:
        wrong.add(["https://a-0.sync.example.org"], 1)
    assert "not-the-password" not in str(refusal.value)


@pytest.mark.parametrize(
    "url",
    ["mysql://user:word@host/db", "mysql://host/db", "mysql://user@host", "http://user@host/db", "mysql://u@h:x/d"],
)
def test_an_address_without_user_or_database_or_with_a_password_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="give mysql://user@host:3306/database, without a password"):
        TokenServerDatabase.at(url, password="")


def test_the_address_of_the_token_server_is_understood() -> None:
    found = TokenServerDatabase.at("mysql://token%40s@db.example.org/tokenserver", password="secret")
    assert found == TokenServerDatabase("db.example.org", 3306, "token@s", "tokenserver", "secret")


def test_the_sql_is_one_transaction() -> None:
    text = statements(["https://a-0.example.org"], 7)
    assert text.startswith("START TRANSACTION;\n")
    assert text.endswith("COMMIT;\n")
