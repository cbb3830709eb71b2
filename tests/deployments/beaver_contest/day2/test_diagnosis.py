"""The document's queries are asked in the form the server understands, and triggers left behind are found."""

from __future__ import annotations

from typing import Any

import pytest

from deployments.beaver_contest.day2.diagnosis import diagnose, queries, triggers_left


@pytest.mark.parametrize(
    ("version", "schema"),
    [
        ("5.7.44", "information_schema.innodb_locks"),
        ("8.0.42", "performance_schema.data_locks"),
        ("8.4.6", "performance_schema.data_locks"),
        ("10.11.6-MariaDB", "information_schema.innodb_locks"),
        ("11.4.2-MariaDB-log", "information_schema.innodb_locks"),
    ],
)
def test_locks_are_asked_for_where_the_server_has_them(version: str, schema: str) -> None:
    asked = queries(version)
    assert asked["locks"].endswith(schema)
    assert len(asked) == 6


@pytest.mark.engines
def test_a_real_server_answers_every_query(database: Any) -> None:
    with database.cursor() as cursor:
        cursor.execute("INSERT INTO team (ID) VALUES (1)")
    answers = {answer.title: answer for answer in diagnose(database)}
    assert list(answers) == ["processes", "InnoDB", "open tables", "transactions", "locks", "lock waits"]
    assert len(answers["transactions"].rows) == 1
    assert "SHOW FULL PROCESSLIST" in str(answers["processes"].rows)


@pytest.mark.engines
def test_triggers_are_found_on_the_three_tables_only(database: Any) -> None:
    assert triggers_left(database) == []
    with database.cursor() as cursor:
        cursor.execute("CREATE TABLE `group` (ID int)")
        cursor.execute("CREATE TABLE school_user (ID int)")
        for table in ("team", "`group`", "school_user"):
            name = table.strip("`")
            cursor.execute(f"CREATE TRIGGER {name}_in BEFORE INSERT ON {table} FOR EACH ROW SET NEW.ID = NEW.ID")
    assert triggers_left(database) == [("group", "group_in"), ("team", "team_in")]
