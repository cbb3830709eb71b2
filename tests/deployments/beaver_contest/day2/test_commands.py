"""The command line: wrong usage is refused before anything is asked of AWS, and exit codes say how it went."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import Any, NoReturn

import pytest
from typer.testing import CliRunner

from deployments.beaver_contest.day2 import commands as beaver
from deployments.beaver_contest.day2.contest import Contest
from deployments.beaver_contest.day2.mysql import Endpoint
from operations.engines.mariadb import MariaDb
from operations.engines.server import HOST, PASSWORD, USER
from operations.errors import OperatorError
from operations.state import one_operator
from tests.deployments.beaver_contest.day2.made import DATABASE, Made, make_table


def run(*arguments: str) -> Any:
    return CliRunner().invoke(beaver.app, arguments)


@pytest.fixture
def here(contest: Made, mariadb: MariaDb, database: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Contest:
    made = contest()
    for name in ("team", "team_question"):
        make_table(made.client("dynamodb"), name)
    endpoint = Endpoint(HOST, mariadb.port, USER, DATABASE, PASSWORD)
    monkeypatch.setattr(beaver, "_contest", lambda environment: made)
    monkeypatch.setattr("deployments.beaver_contest.day2.mysql.of_contest", lambda *_: endpoint)
    monkeypatch.setattr("config.settings.ROOT", tmp_path)
    return made


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["transfer-table", "school"], "neither team nor team_question"),
        (["export-answers", "--begin", "yesterday"], "is not a time like 2016-11-11 07:00:00"),
        (["export-answers", "--begin", "2016-11-11 07:00:00"], "Give both --begin and a later --end"),
        (["export-answers", "--begin", "2016-11-11 07:00:00", "--end", "2016-11-10 07:00:00"], "a later --end"),
        (["copy-database"], "Give either --from or --to"),
        (["open-database"], "Give an address, --tunnel or --close"),
        (["open-database", "203.0.113.7/32", "--tunnel"], "Give an address, --tunnel or --close"),
        (["open-database", "203.0.113.7/32", "--minutes", "0"], "greater than or equal to 1"),
        (["deploy", "/nowhere"], "does not exist"),
    ],
)
def test_wrong_usage_ends_with_two(arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    assert said in " ".join(result.output.replace("│", " ").split())


def test_the_whole_internet_is_refused() -> None:
    result = run("open-database", "0.0.0.0/0")
    assert isinstance(result.exception, OperatorError)
    assert "at most a /24" in str(result.exception)


@pytest.mark.parametrize(
    "words",
    [
        ["deploy", "CHECKOUT"],
        ["publish-assets", "CHECKOUT"],
        ["transfer-table", "team"],
        ["export-answers"],
        ["import-answers", "FILE"],
        ["copy-database", "--from", "mysql://user@host/database"],
        ["migrate", "--checkout", "CHECKOUT"],
        ["make-admin", "teacher@example.org"],
        ["rotate-key"],
        ["protect-tasks", "FILE"],
    ],
    ids=lambda words: words[0],
)
def test_every_command_that_changes_something_is_one_operators_at_a_time(
    words: list[str], contest: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(aws: object, stack: object, operation: str, *, dry_run: bool) -> NoReturn:
        raise OperatorError(f"somebody else runs {operation}, dry run {dry_run}")

    monkeypatch.setattr(beaver, "_contest", lambda environment: contest())
    monkeypatch.setattr(one_operator, "one_operator", held)
    monkeypatch.setattr("deployments.beaver_contest.runtime.bundle.staged", lambda source: nullcontext())
    monkeypatch.setattr("deployments.beaver_contest.day2.migrations.revisions", lambda checkout: [])
    (tmp_path / "file").write_text("text")
    places = {"CHECKOUT": str(tmp_path), "FILE": str(tmp_path / "file")}
    done = run(*(places.get(word, word) for word in words))
    assert str(done.exception) == f"somebody else runs {words[0]}, dry run False"


@pytest.mark.engines
def test_answers_go_there_and_back_by_commands(here: Contest, database: Any, tmp_path: Path) -> None:
    with database.cursor() as cursor:
        cursor.execute("INSERT INTO team_question VALUES (1, 2, 'é', NULL, 3, '2016-11-11 08:00:00')")
        cursor.execute("INSERT INTO team_question VALUES (1, 3, '', 0, 0, '2016-12-24 08:00:00')")
        cursor.execute("CREATE TABLE answers LIKE team_question")
    database.commit()
    assert "2 rows of team_question would be written" in run("transfer-table", "team_question", "--dry-run").output
    result = run("transfer-table", "team_question")
    assert "2 rows of team_question in MySQL, 2 items" in result.output, result.output
    interval = ("--begin", "2016-11-11 07:00:00", "--end", "2016-12-11 13:00:00")
    result = run("export-answers", str(tmp_path / "a.dump"), *interval, "--sql-table", "answers", "--import")
    assert "1 items in" in result.output, result.output
    assert "1 rows were new" in result.output
    with database.cursor() as cursor:
        cursor.execute("SELECT * FROM answers")
        assert [row[:5] for row in cursor.fetchall()] == [(1, 2, "é", None, 3)]
    assert "0 rows were new" in run("import-answers", str(tmp_path / "a.sql")).output


@pytest.mark.engines
def test_fewer_items_than_rows_end_with_one(here: Contest, database: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with database.cursor() as cursor:
        cursor.execute("INSERT INTO team (ID) VALUES (1), (2)")
    database.commit()
    monkeypatch.setattr("deployments.beaver_contest.day2.transfer.Transfer.run", lambda _: 2)
    result = run("transfer-table", "team")
    assert result.exit_code == 1
    assert "2 are missing: run it again with --restart" in result.output


@pytest.mark.engines
def test_triggers_left_behind_end_with_one_and_say_how_to_drop_them(here: Contest, database: Any) -> None:
    assert run("diagnose").exit_code == 0
    with database.cursor() as cursor:
        cursor.execute("CREATE TRIGGER team_in BEFORE INSERT ON team FOR EACH ROW SET NEW.ID = NEW.ID")
    result = run("diagnose")
    assert result.exit_code == 1
    assert "DROP TRIGGER `team_in`;" in result.output
