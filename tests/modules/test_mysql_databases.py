from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pymysql
import pytest

from config.components import DatabaseSettings
from config.types import DatabaseRight
from modules.database import Database
from modules.engines import MYSQL
from modules.handlers import mysql_databases as handler
from modules.mysql_databases import HANDLER, MysqlDatabases
from modules.network import Network
from modules.secret import Secret
from operations.engines.mariadb import MariaDb
from tests.modules.synth import NETWORK, Synthesised, sample_stack, synthesised

DATABASES = ["prep_0", "prep_1", "prepX1"]
USER = "prep_app"
NODE = DatabaseSettings(instance_class="db.t4g.small", engine_version="8.0", allocated_storage_gib=20)


@pytest.fixture(scope="module")
def stack() -> Synthesised:
    sample = sample_stack()
    network = Network(sample, "network", name="sample", settings=NETWORK)
    secret = Secret(sample, "user", name="sample-user", description="Whoever")
    databases = MysqlDatabases(
        sample, "databases", name="sample-databases", network=network, identifier_prefix="sample-node-",
        user_secret=secret, rights=("SELECT", "INSERT", "UPDATE", "DELETE"),
    )  # fmt: skip
    node = Database(
        sample, "node", name="sample-node-a", network=network, engine=MYSQL, settings=NODE,
        database_name="one", username="admin",
    )  # fmt: skip
    node.connections.allow_from(databases)
    return synthesised(sample)


def test_the_function_stands_inside_the_network_and_servers_let_it_in(stack: Synthesised) -> None:
    function = stack.resource("aws_lambda_function.databases_function")
    assert len(function["vpc_config"]["subnet_ids"]) == 2
    rule = stack.resource("aws_vpc_security_group_ingress_rule.node_from_function")
    assert rule["from_port"] == 3306


def test_it_reads_the_master_secrets_of_its_instances_and_no_other_secret(stack: Synthesised) -> None:
    (master,) = stack.policy("aws_iam_role_policy.databases_read_master_secrets").values()
    assert master["Action"] == ["secretsmanager:GetSecretValue"]
    (condition,) = master["Condition"]["StringLike"].values()
    assert condition.endswith(":db:sample-node-*")
    (own,) = stack.policy("aws_iam_role_policy.databases_fill_user_secret").values()
    assert own["Resource"] == ["${aws_secretsmanager_secret.user.arn}"]


def test_the_archive_holds_the_handler_and_the_client_library_and_is_the_same_every_time(stack: Synthesised) -> None:
    content = stack.files["function.zip"]
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert HANDLER.name in names
    assert "pymysql/__init__.py" in names
    assert not [name for name in names if not name.endswith(".py")]


@pytest.fixture
def server(mariadb: MariaDb) -> MariaDb:
    with mariadb.connect() as connection, connection.cursor() as cursor:
        for name in DATABASES:
            cursor.execute(f"DROP DATABASE IF EXISTS `{name}`")
        cursor.execute(f"DROP USER IF EXISTS '{USER}'@'%'")
    return mariadb


@pytest.fixture
def event(server: MariaDb, aws: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    manager = aws("secretsmanager")
    tables = tmp_path / "tables.sql"
    tables.write_text("-- one\nCREATE TABLE IF NOT EXISTS bso (id INT PRIMARY KEY, payload TEXT);\n")
    monkeypatch.setattr(handler, "TABLES", tables)
    monkeypatch.setenv("RIGHTS", "SELECT, INSERT, UPDATE, DELETE")
    monkeypatch.setattr(handler.boto3, "client", lambda service: aws(service))
    login = {"username": server.user, "password": server.password}
    master = manager.create_secret(Name="master", SecretString=json.dumps(login))["ARN"]
    user = manager.create_secret(Name="user")["ARN"]
    return {
        "host": server.host, "port": server.port, "master_secret_arn": master, "databases": DATABASES[:2],
        "user": USER, "user_secret_arn": user,
    }  # fmt: skip


def sign_in(server: MariaDb, password: str, database: str) -> Any:
    return pymysql.connect(host=server.host, port=server.port, user=USER, password=password, database=database)


@pytest.fixture
def password(event: dict[str, Any], aws: Callable[..., Any]) -> Callable[[], str]:
    def read() -> str:
        found = aws("secretsmanager").get_secret_value(SecretId=event["user_secret_arn"])["SecretString"]
        value: str = json.loads(found)["password"]
        return value

    return read


@pytest.mark.engines
def test_databases_and_user_are_made_and_the_user_can_work(
    server: MariaDb, event: dict[str, Any], password: Callable[[], str]
) -> None:
    answer = handler.handle(event, None)
    assert answer == {"created": DATABASES[:2], "present": [], "tables": 2, "user": "created"}
    with sign_in(server, password(), "prep_0") as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO bso VALUES (1, 'x')")
        cursor.execute("UPDATE bso SET payload = 'y'")
        cursor.execute("DELETE FROM bso")


@pytest.mark.engines
def test_the_user_may_neither_create_nor_drop_nor_see_other_databases(
    server: MariaDb, event: dict[str, Any], password: Callable[[], str]
) -> None:
    handler.handle(event, None)
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE prepX1")  # a grant on prep_1 with a bare _ would include it
    with sign_in(server, password(), "prep_0") as connection, connection.cursor() as cursor:
        for forbidden in (
            "CREATE TABLE own (id INT)",
            "CREATE INDEX own ON bso (id)",
            "DROP TABLE bso",
            "DROP DATABASE prep_1",
            "USE prepX1",
            "SELECT * FROM mysql.user",
        ):
            with pytest.raises(pymysql.MySQLError, match="denied"):
                cursor.execute(forbidden)


@pytest.mark.engines
def test_another_call_changes_nothing_and_keeps_what_is_there(
    server: MariaDb, event: dict[str, Any], password: Callable[[], str]
) -> None:
    handler.handle(event, None)
    first = password()
    with sign_in(server, first, "prep_0") as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO bso VALUES (7, 'x')")
        connection.commit()
    assert handler.handle(event, None) == {"created": [], "present": DATABASES[:2], "tables": 0, "user": "present"}
    assert password() == first
    with sign_in(server, first, "prep_0") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT id FROM bso")
        assert cursor.fetchall() == ((7,),)


@pytest.mark.engines
def test_a_second_server_gets_the_same_user_and_missing_databases_are_added(
    server: MariaDb, event: dict[str, Any], password: Callable[[], str]
) -> None:
    handler.handle({**event, "databases": DATABASES[:1]}, None)
    answer = handler.handle(event, None)
    assert answer == {"created": ["prep_1"], "present": ["prep_0"], "tables": 1, "user": "present"}
    sign_in(server, password(), "prep_1").close()


@pytest.mark.engines
def test_rights_of_a_user_that_made_its_tables_itself_are_taken_away(
    server: MariaDb, event: dict[str, Any], password: Callable[[], str]
) -> None:
    handler.handle(event, None)
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"GRANT CREATE, INDEX ON `prep\\_0`.* TO '{USER}'@'%'")
    handler.handle(event, None)
    with (
        sign_in(server, password(), "prep_0") as connection,
        connection.cursor() as cursor,
        pytest.raises(pymysql.MySQLError, match="denied"),
    ):
        cursor.execute("CREATE TABLE own (id INT)")


def test_the_function_knows_the_rights_that_settings_may_name_and_is_told_those_of_the_user(
    stack: Synthesised,
) -> None:
    assert get_args(DatabaseRight) == handler.EVERY_RIGHT
    (variables,) = stack.resource("aws_lambda_function.databases_function")["environment"].values()
    assert variables == {"RIGHTS": "SELECT, INSERT, UPDATE, DELETE"}


@pytest.mark.engines
def test_a_user_that_only_reads_does_nothing_else_whatever_it_was_granted_before(
    server: MariaDb, event: dict[str, Any], password: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    handler.handle(event, None)
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"GRANT {', '.join(handler.EVERY_RIGHT)} ON `prep\\_0`.* TO '{USER}'@'%'")
    monkeypatch.setenv("RIGHTS", "SELECT")
    handler.handle(event, None)
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute(f"SHOW GRANTS FOR '{USER}'@'%'")
        granted = [line for (line,) in cursor.fetchall() if "prep\\_0" in line]
    assert granted == [f"GRANT SELECT ON `prep\\_0`.* TO `{USER}`@`%`"]
    with sign_in(server, password(), "prep_0") as connection, connection.cursor() as cursor:
        assert cursor.execute("SELECT * FROM bso") == 0
        with pytest.raises(pymysql.MySQLError, match="denied"):
            cursor.execute("INSERT INTO bso VALUES (1, 'x')")


@pytest.mark.engines
def test_a_new_password_is_given_when_asked_for_and_the_one_before_is_refused(
    server: MariaDb, event: dict[str, Any], password: Callable[[], str]
) -> None:
    handler.handle(event, None)
    first = password()
    assert handler.handle({**event, "new_password": True}, None)["user"] == "present"
    assert password() != first
    sign_in(server, password(), "prep_0").close()
    with pytest.raises(pymysql.MySQLError, match="Access denied"):
        sign_in(server, first, "prep_0")


@pytest.mark.engines
def test_the_password_is_in_no_statement(server: MariaDb, event: dict[str, Any], password: Callable[[], str]) -> None:
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("SET GLOBAL log_output = 'TABLE'")
        cursor.execute("SET GLOBAL general_log = 1")
        try:
            handler.handle(event, None)
        finally:
            cursor.execute("SET GLOBAL general_log = 0")
        cursor.execute("SELECT argument FROM mysql.general_log")
        said = str(cursor.fetchall())
    assert "prep_0" in said
    assert password() not in said


def test_two_calls_at_the_same_time_agree_on_one_password(aws: Callable[..., Any]) -> None:
    manager = aws("secretsmanager")
    arn = manager.create_secret(Name="user")["ARN"]

    class Late:
        """The other call puts its value just before this one."""

        exceptions = manager.exceptions
        get_secret_value = staticmethod(manager.get_secret_value)

        def put_secret_value(self, **arguments: Any) -> None:
            nonlocal other
            other = handler.user_password(manager, arn, USER)
            manager.put_secret_value(**arguments)

    other = ""
    assert handler.user_password(Late(), arn, USER) == other


@pytest.mark.parametrize("name", ["a`b", "a; DROP DATABASE x", "", "a" * 65, "a'b"])
def test_names_that_could_be_statements_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no name"):
        handler.handle({"databases": [name], "user": USER}, None)


def test_the_handler_is_one_file_without_this_repository() -> None:
    text = Path(handler.__file__).read_text()
    assert "from modules" not in text
    assert "import modules" not in text
