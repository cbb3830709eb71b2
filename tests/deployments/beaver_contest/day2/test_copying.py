"""Databases are copied with everything but who defined it."""

from __future__ import annotations

import subprocess
from typing import Any

import pytest

from deployments.beaver_contest.day2 import copying
from deployments.beaver_contest.day2.copying import Copying, without_definers
from deployments.beaver_contest.day2.mysql import Endpoint, parse
from operations.engines.mariadb import MariaDb
from operations.engines.server import HOST, PASSWORD, USER
from operations.errors import OperatorError
from tests.deployments.beaver_contest.day2.made import DATABASE

TRICKY = "text with DEFINER=`root`@`%` in it\n/*!50017 DEFINER=`root`@`%`*/\nCREATE DEFINER=`a`@`b` FUNCTION é 😀 '"

DUMP = [
    (b"/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER `t` BEFORE", b"/*!50003 CREATE*/ /*!50017 */ /*!50003 TRIGGER `t` BEFORE"),
    (b"/*!50013 DEFINER=`a b`@`10.%` SQL SECURITY DEFINER */", b"/*!50013 SQL SECURITY DEFINER */"),
    (b"CREATE DEFINER=`root`@`%` FUNCTION `f`() RETURNS int", b"CREATE FUNCTION `f`() RETURNS int"),
    (b"CREATE DEFINER='it''s'@'%' PROCEDURE `p`()", b"CREATE DEFINER='it''s'@'%' PROCEDURE `p`()"),
    (b"/*!50106 CREATE*/ /*!50117 DEFINER=root@localhost*/ /*!50106 EVENT `e`", b"/*!50106 CREATE*/ /*!50117 */ /*!50106 EVENT `e`"),
    (b"INSERT INTO `a` VALUES (1,'CREATE DEFINER=`x`@`y` FUNCTION');", b"INSERT INTO `a` VALUES (1,'CREATE DEFINER=`x`@`y` FUNCTION');"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "left"), [pair for index, pair in enumerate(DUMP) if index != 3])
def test_definers_go_and_data_stays(line: bytes, left: bytes) -> None:
    assert list(without_definers([line])) == [left]


@pytest.fixture
def pair(database: Any, mariadb: MariaDb) -> tuple[Endpoint, Endpoint]:
    with mariadb.connect() as admin, admin.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS copied")
        cursor.execute("CREATE DATABASE copied CHARACTER SET utf8mb4")
        cursor.execute(f"CREATE OR REPLACE USER gone@'%' IDENTIFIED BY '{PASSWORD}'")
        cursor.execute("GRANT ALL ON *.* TO gone@'%'")
    with database.cursor() as cursor:
        cursor.execute("INSERT INTO team_question VALUES (1, 2, %s, NULL, 3, '2016-11-11 07:00:00')", (TRICKY,))
        cursor.execute("CREATE DEFINER=gone@'%' FUNCTION twice(n int) RETURNS int DETERMINISTIC RETURN n * 2")
        cursor.execute(
            "CREATE DEFINER=gone@'%' VIEW scores AS SELECT teamID, twice(ffScore) AS double_score FROM team_question"
        )
        cursor.execute(
            "CREATE DEFINER=gone@'%' TRIGGER team_in BEFORE INSERT ON team FOR EACH ROW SET NEW.score = twice(NEW.score)"
        )
    database.commit()
    return (
        Endpoint(HOST, mariadb.port, USER, DATABASE, PASSWORD),
        Endpoint(HOST, mariadb.port, USER, "copied", PASSWORD),
    )


@pytest.mark.engines
def test_a_copy_works_without_the_source_s_users(pair: tuple[Endpoint, Endpoint], mariadb: MariaDb) -> None:
    assert Copying(*pair).run(lambda _: None) > 1000
    with mariadb.connect("copied") as copy, copy.cursor() as cursor:
        cursor.execute("DROP USER gone@'%'")
        cursor.execute("SELECT * FROM team_question")
        assert cursor.fetchone()[2] == TRICKY
        cursor.execute("SELECT double_score FROM scores")
        assert cursor.fetchone() == (6,)
        cursor.execute("INSERT INTO team (ID, score) VALUES (1, 21)")
        cursor.execute("SELECT score FROM team")
        assert cursor.fetchone() == (42,)
        cursor.execute("SELECT DEFINER FROM information_schema.triggers WHERE TRIGGER_SCHEMA = 'copied'")
        assert cursor.fetchone()[0].startswith(USER)


@pytest.mark.engines
def test_triggers_can_be_left_behind(pair: tuple[Endpoint, Endpoint], mariadb: MariaDb) -> None:
    Copying(*pair, triggers=False).run(lambda _: None)
    with mariadb.connect("copied") as copy, copy.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM information_schema.triggers WHERE TRIGGER_SCHEMA = 'copied'")
        assert cursor.fetchone() == (0,)


@pytest.mark.engines
def test_what_would_be_replaced_is_told(pair: tuple[Endpoint, Endpoint]) -> None:
    assert Copying(*pair).tables_replaced() == []
    Copying(*pair).run(lambda _: None)
    assert Copying(*pair).tables_replaced() == ["scores", "team", "team_question"]


@pytest.mark.engines
def test_a_copy_can_be_run_again(pair: tuple[Endpoint, Endpoint], mariadb: MariaDb) -> None:
    for _ in range(2):
        Copying(*pair).run(lambda _: None)
    with mariadb.connect("copied") as copy, copy.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM team_question")
        assert cursor.fetchone() == (1,)


@pytest.mark.engines
def test_a_failure_says_what_the_program_said(pair: tuple[Endpoint, Endpoint]) -> None:
    source, target = pair
    nowhere = Endpoint(target.host, target.port, target.user, "missing", PASSWORD)
    with pytest.raises(OperatorError, match="Unknown database 'missing'"):
        Copying(source, nowhere).run(lambda _: None)
    with pytest.raises(OperatorError, match="Unknown database 'missing'"):
        Copying(nowhere, target).run(lambda _: None)


@pytest.mark.engines
def test_no_password_is_in_an_argument(pair: tuple[Endpoint, Endpoint], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    start = subprocess.Popen

    def watched(command: list[str], **more: Any) -> Any:
        seen.extend(command)
        return start(command, **more)

    monkeypatch.setattr(copying.subprocess, "Popen", watched)
    Copying(*pair).run(lambda _: None)
    assert seen
    assert PASSWORD not in " ".join(seen)


def test_an_address_with_a_password_is_refused() -> None:
    with pytest.raises(OperatorError, match="process list"):
        parse("mysql://user:secret@host/db", password_variable="SOURCE_PASSWORD", environment={})


def test_a_missing_password_is_asked_for_by_its_variable() -> None:
    with pytest.raises(OperatorError, match="Set SOURCE_PASSWORD"):
        parse("mysql://user@host/db", password_variable="SOURCE_PASSWORD", environment={})


@pytest.mark.parametrize(
    "url", ["host", "http://user@host/db", "mysql://host/db", "mysql://user@host", "mysql://user@host:x/db"]
)
def test_what_is_no_address_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(OperatorError, match="mysql://user@host:3306/database"):
        parse(url, password_variable="X", environment={"X": "y"})
