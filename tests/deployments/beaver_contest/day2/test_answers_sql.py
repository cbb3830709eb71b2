"""Exported answers become SQL, and SQL that does not fit is refused instead of cut."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deployments.beaver_contest.day2.answers_sql import load_sql, statements, write_sql
from operations.errors import OperatorError


def answer(team: int, **more: Any) -> str:
    return json.dumps({"teamID": {"N": str(team)}, "questionID": {"N": "1"}, **more})


def test_fifty_rows_are_one_statement() -> None:
    found = list(statements(answer(number) for number in range(120)))
    assert [statement.count("(") - 1 for statement in found] == [50, 50, 20]
    assert all(statement.endswith(";\n") and statement.count("\n") == 1 for statement in found)
    assert found[0].startswith(
        "INSERT IGNORE INTO `team_question` (`teamID`, `questionID`, `answer`, `score`, `ffScore`, `date`) VALUES (0, 1,"
    )


def test_what_is_missing_is_null_and_a_missing_answer_is_empty() -> None:
    (statement,) = statements([answer(1)])
    assert "(1, 1, '', NULL, NULL, NULL);" in statement


@pytest.mark.parametrize(
    "line",
    [
        "not json",
        "[]",
        '{"teamID": {"N": "1"}}',
        answer(1, score={"S": "7"}),
        answer(1, score={"N": "1); DROP TABLE team; --"}),
        '{"teamID": 1, "questionID": 1}',
    ],
)
def test_a_line_that_is_no_answer_is_refused_by_its_number(line: str) -> None:
    with pytest.raises(OperatorError, match="Line 2 of the export is not an item of team_question"):
        list(statements([answer(1), line]))


def test_a_refused_line_leaves_no_file_behind(tmp_path: Path) -> None:
    (tmp_path / "a.dump").write_text(f"{answer(1)}\nbroken\n")
    with pytest.raises(OperatorError):
        write_sql(tmp_path / "a.dump", tmp_path / "a.sql")
    assert not (tmp_path / "a.sql").exists()


@pytest.mark.engines
def test_a_value_that_the_table_would_cut_is_refused(database: Any, tmp_path: Path) -> None:
    with database.cursor() as cursor:
        cursor.execute("ALTER TABLE team_question MODIFY answer varchar(3) NOT NULL")
    (tmp_path / "a.dump").write_text(f"{answer(1, answer={'S': 'too long'})}\n")
    write_sql(tmp_path / "a.dump", tmp_path / "a.sql")
    with pytest.raises(OperatorError, match=r"Line 3 of .* does not fit the table: Data truncated"):
        load_sql(tmp_path / "a.sql", database, lambda _: None)
    with database.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM team_question")
        assert cursor.fetchone() == (0,)


@pytest.mark.engines
def test_strings_are_safe_where_backslashes_escape_nothing(database: Any, tmp_path: Path) -> None:
    hostile = "a\\' OR 1=1; --"
    (tmp_path / "a.dump").write_text(f"{answer(1, answer={'S': hostile})}\n")
    write_sql(tmp_path / "a.dump", tmp_path / "a.sql")
    with database.cursor() as cursor:
        cursor.execute("SET SESSION sql_mode = 'NO_BACKSLASH_ESCAPES'")
        load_sql(tmp_path / "a.sql", database, lambda _: None)
        cursor.execute("SELECT answer FROM team_question")
        assert cursor.fetchone() == (hostile,)
