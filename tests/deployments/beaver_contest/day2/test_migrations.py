"""Revisions run in their order, once, on a server as strict as MySQL 8 is by default."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deployments.beaver_contest.day2.migrations import RECORD, Migration, make_admin, revisions, statements_of
from operations.engines.mariadb import MariaDb
from operations.errors import OperatorError

STRICT = "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,NO_ENGINE_SUBSTITUTION"
REVISIONS = {
    "423/structure.sql": b"""-- the base; with a semicolon
CREATE TABLE `team` (`ID` bigint NOT NULL, `iVersion` int NOT NULL);
INSERT INTO `team` (`ID`, `iVersion`) VALUES (1, '');
CREATE TABLE `contestant` (`ID` bigint, `firstName` varchar(50));
CREATE TABLE IF NOT EXISTS `school_year` (`ID` int, KEY `awarded` (`awarded`)) ENGINE=InnoDB;
CREATE TABLE `activity` (`type` varchar(10));
CREATE TABLE `user` (`ID` int NOT NULL, `officialEmail` varchar(50), `alternativeEmail` varchar(50),
  `validated` tinyint, `isAdmin` tinyint, `officialEmailValidated` tinyint, `registrationDate` datetime NOT NULL);
""",
    "453/more.sql": b"CREATE TABLE IF NOT EXISTS `school_year` (`ID` int, `iVersion` int);",
    "1000/text.sql": b"INSERT INTO contestant VALUES (1, 'Ren\xe9;e');",
    "1230/null.sql": b"ALTER TABLE `contestant` CHANGE `tmpIsOfficial` `tmpIsOfficial` TINYINT(4) NULL DEFAULT NULL;",
    "1234/type.sql": b"ALTER TABLE `activity` CHANGE `TYPE` ENUM('load') CHARACTER SET utf8 COLLATE utf8-general-ci NOT NULL;",
    "1252/null.sql": b"ALTER TABLE `team` CHANGE `tmpScore` `tmpScore` INT(11) NULL DEFAULT NULL;",
    "README.md": b"no revision",
}  # fmt: skip


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for name, content in REVISIONS.items():
        path = tmp_path / "dbv_data/revisions" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return tmp_path


@pytest.fixture
def empty(mariadb: MariaDb) -> Iterator[Any]:
    with mariadb.connect() as connection, connection.cursor() as cursor:
        cursor.execute("DROP DATABASE IF EXISTS migrated")
        cursor.execute("CREATE DATABASE migrated CHARACTER SET utf8mb4")
        cursor.execute("USE migrated")
        cursor.execute(f"SET SESSION sql_mode = '{STRICT}'")
        yield connection


def rows(connection: Any, query: str) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return list(cursor.fetchall())


@pytest.mark.engines
def test_d1_d2_every_revision_runs_and_the_columns_that_the_code_writes_are_there(
    checkout: Path, empty: Any, said: list[str]
) -> None:
    known = revisions(checkout)
    assert [each.number for each in known] == [423, 453, 1000, 1230, 1234, 1252]
    assert Migration(empty, said.append).run(known) == 6
    assert {row[0] for row in rows(empty, "SHOW COLUMNS FROM team")} >= {"tmpScore", "newScore", "tmpLastAnswerDate"}
    assert {row[0] for row in rows(empty, "SHOW COLUMNS FROM school_year")} == {"ID", "iVersion"}
    assert rows(empty, "SELECT firstName FROM contestant") == [("René;e",)]
    assert any("skipped school_year" in line for line in said)
    assert any("team: added" in line and "tmpScore" in line for line in said)


@pytest.mark.engines
def test_a_second_run_changes_nothing_and_a_new_revision_is_run_alone(
    checkout: Path, empty: Any, said: list[str]
) -> None:
    migration = Migration(empty, said.append)
    migration.run(revisions(checkout))
    assert migration.run(revisions(checkout)) == 0
    new = checkout / "dbv_data/revisions/1255"
    new.mkdir()
    (new / "a.sql").write_text("INSERT INTO contestant (ID) VALUES (2)")
    assert migration.run(revisions(checkout)) == 1
    assert rows(empty, "SELECT COUNT(*) FROM contestant") == [(2,)]


@pytest.mark.engines
def test_a_refused_statement_is_told_and_the_next_run_resumes_there(
    checkout: Path, empty: Any, said: list[str]
) -> None:
    file = checkout / "dbv_data/revisions/1000/text.sql"
    file.write_text("INSERT INTO contestant (ID) VALUES (1); INSERT INTO nowhere VALUES (1); CREATE TABLE late (a int)")
    migration = Migration(empty, said.append)
    with pytest.raises(OperatorError, match=r"(?s)Revision 1000, statement 2: .*nowhere.*resumes there"):
        migration.run(revisions(checkout))
    rows(empty, "CREATE TABLE nowhere (a int)")
    migration.run(revisions(checkout))
    assert rows(empty, "SELECT COUNT(*) FROM contestant") == [(1,)]
    assert rows(empty, "SELECT COUNT(*) FROM nowhere") == [(1,)]


@pytest.mark.engines
def test_a_copied_database_needs_its_revision_told(checkout: Path, empty: Any, said: list[str]) -> None:
    migration = Migration(empty, said.append)
    migration.run(revisions(checkout))
    rows(empty, f"DROP TABLE {RECORD}")
    with pytest.raises(OperatorError, match=r"(?s)has 5 tables, and nothing says .* --baseline NUMBER"):
        migration.run(revisions(checkout))
    assert migration.run(revisions(checkout), baseline=1252) == 0
    assert migration.run(revisions(checkout)) == 0


@pytest.mark.engines
def test_the_first_administrator_is_one_who_registered(checkout: Path, empty: Any, said: list[str]) -> None:
    Migration(empty, said.append).run(revisions(checkout))
    with pytest.raises(OperatorError, match=r"0 teachers are registered with a@example\.org"):
        make_admin(empty, "a@example.org")
    rows(empty, "INSERT INTO user (ID, officialEmail, registrationDate) VALUES (1, 'a@example.org', NOW())")
    make_admin(empty, "a@example.org", dry_run=True)
    assert rows(empty, "SELECT isAdmin FROM user") == [(None,)]
    make_admin(empty, "a@example.org")
    assert rows(empty, "SELECT validated, isAdmin, officialEmailValidated FROM user") == [(1, 1, 1)]


def test_a_folder_without_revisions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OperatorError, match="has no dbv_data/revisions/NUMBER"):
        revisions(tmp_path)


def test_statements_end_outside_of_texts_and_comments() -> None:
    text = "INSERT INTO a VALUES ('it''s; \\\\'); # end;\n/* ; */ SELECT 1; ;\n-- last;"
    assert list(statements_of(text)) == ["INSERT INTO a VALUES ('it''s; \\\\')", "SELECT 1"]
