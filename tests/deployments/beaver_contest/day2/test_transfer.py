"""Tables go from MySQL to DynamoDB and answers come back, with everything that can be in them and between."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pymysql
import pytest

from deployments.beaver_contest.day2.answers_sql import load_sql, write_sql
from deployments.beaver_contest.day2.export import Export
from deployments.beaver_contest.day2.items import item_of
from deployments.beaver_contest.day2.transfer import BATCH, Transfer
from operations.errors import OperatorError
from tests.deployments.beaver_contest.day2.made import Made, make_table

HOSTILE = [
    "",
    "0",
    "plain",
    "Zürich, 東京, Ελλάδα, 😀 and \u2028 a line that is none",
    "'; DROP TABLE team_question; --",
    "back\\slash \\' quote \" and `tick`",
    "line\nfeed\r\nand\ttab \x1a\x00 zero",
    "\\N",
    '{"json": ["nested", {"é": null}]}',
    "%s %(name)s {curly} ${dollar}",
    " leading and trailing ",
    "x" * 100_000,
]


class Faulty:
    """A DynamoDB client whose batches go wrong as `faults` says: each takes one batch's items and leaves some out."""

    def __init__(self, client: Any, *faults: Any) -> None:
        self._client = client
        self.faults = list(faults)
        self.sizes: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def batch_write_item(self, *, RequestItems: dict[str, list[Any]]) -> Any:  # noqa: N803 - boto3 calls it so
        ((table, requests),) = RequestItems.items()
        self.sizes.append(len(requests))
        left = self.faults.pop(0)(requests) if self.faults else []
        kept = [request for request in requests if request not in left]
        if kept:
            self._client.batch_write_item(RequestItems={table: kept})
        return {"UnprocessedItems": {table: left} if left else {}}


def transfer(database: Any, dynamodb: Any, tmp_path: Path, table: str = "team_question", **more: Any) -> Transfer:
    pauses: dict[str, Any] = {"progress": lambda _: None, "pause": lambda _: None}
    return Transfer(database, dynamodb, table, table, tmp_path / f"{table}.json", **{**pauses, **more})


def fill(database: pymysql.Connection[Any], rows: int) -> None:
    with database.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO team_question VALUES (%s, %s, %s, %s, %s, %s)",
            [
                (
                    1 + number // 7,
                    number % 7,
                    HOSTILE[number % len(HOSTILE)] if number % len(HOSTILE) != 11 or number == 11 else "short",
                    None if number % 3 == 0 else number % 5,
                    None if number % 4 == 0 else -number,
                    None if number % 11 == 0 else f"2016-11-{1 + number % 28:02} 08:00:{number % 60:02}",
                )
                for number in range(rows)
            ],
        )
    database.commit()


def content(database: pymysql.Connection[Any], table: str = "team_question") -> Any:
    with database.cursor() as cursor:
        cursor.execute(f"SELECT *, HEX(answer) FROM {table} ORDER BY teamID, questionID")
        return cursor.fetchall()


def test_null_and_empty_are_left_out_and_zero_stays() -> None:
    item = item_of({"teamID": 1, "answer": "", "score": 0, "ffScore": None, "name": "é"}, {"teamID": "N"})
    assert item == {"teamID": {"N": "1"}, "score": {"N": "0"}, "name": {"S": "é"}}


def test_a_key_has_the_type_the_table_asks_for() -> None:
    assert item_of({"id": 7}, {"id": "S"}) == {"id": {"S": "7"}}


@pytest.mark.engines
def test_answers_come_back_byte_for_byte(database: Any, contest: Made, tmp_path: Path) -> None:
    dynamodb = contest().client("dynamodb")
    make_table(dynamodb, "team_question")
    fill(database, 500)
    assert transfer(database, dynamodb, tmp_path).run() == 500
    dump = tmp_path / "answers.dump"
    assert Export(dynamodb, "team_question", dump, None, progress=lambda *_: None).run() == 500
    write_sql(dump, tmp_path / "answers.sql", table="returned")
    with database.cursor() as cursor:
        cursor.execute("CREATE TABLE returned LIKE team_question")
    assert load_sql(tmp_path / "answers.sql", database, lambda _: None) == 500
    assert content(database, "returned") == content(database)
    assert load_sql(tmp_path / "answers.sql", database, lambda _: None) == 0


@pytest.mark.engines
def test_teams_are_found_in_dynamodb_with_all_they_have(database: Any, contest: Made, tmp_path: Path) -> None:
    dynamodb = contest().client("dynamodb")
    make_table(dynamodb, "team")
    with database.cursor() as cursor:
        cursor.execute("INSERT INTO team VALUES (9007199254740993, 2, 'abc', '2016-11-14 08:00:00', 45, 0, NULL)")
    database.commit()
    transfer(database, dynamodb, tmp_path, "team").run()
    (item,) = dynamodb.scan(TableName="team")["Items"]
    assert item == {
        "ID": {"N": "9007199254740993"},
        "groupID": {"N": "2"},
        "password": {"S": "abc"},
        "startTime": {"S": "2016-11-14 08:00:00"},
        "nbMinutes": {"N": "45"},
        "score": {"N": "0"},
    }


@pytest.mark.engines
def test_items_left_unprocessed_are_sent_again(database: Any, contest: Made, tmp_path: Path) -> None:
    dynamodb = contest().client("dynamodb")
    make_table(dynamodb, "team_question")
    fill(database, 60)
    faulty = Faulty(dynamodb, lambda requests: requests[5:], lambda requests: requests, lambda requests: requests[:1])
    moving = transfer(database, faulty, tmp_path)
    assert moving.run() == 60
    assert moving.count_target() == moving.count_source() == 60
    assert max(faulty.sizes) == BATCH


@pytest.mark.engines
def test_a_table_that_takes_nothing_is_given_up_and_the_next_run_goes_on(
    database: Any, contest: Made, tmp_path: Path
) -> None:
    dynamodb = contest().client("dynamodb")
    make_table(dynamodb, "team_question")
    fill(database, 2100)
    good: list[Any] = [lambda _: []] * 40  # the first page of a thousand rows
    stuck = Faulty(dynamodb, *good, *([lambda requests: requests] * 1000))
    with pytest.raises(OperatorError, match="goes on where it stopped"):
        transfer(database, stuck, tmp_path).run()
    assert json.loads((tmp_path / "team_question.json").read_text())["rows"] == 1000
    second = Faulty(dynamodb)
    told: list[int] = []
    moving = transfer(database, second, tmp_path, progress=told.append)
    assert moving.run() == 2100
    assert told[0] == 1000
    assert sum(second.sizes) == 1100
    assert moving.count_target() == 2100
    assert not (tmp_path / "team_question.json").exists()


@pytest.mark.engines
def test_an_item_that_dynamodb_refuses_is_named(database: Any, contest: Made, tmp_path: Path) -> None:
    dynamodb = contest().client("dynamodb")
    make_table(dynamodb, "team_question")
    with database.cursor() as cursor:
        cursor.execute("INSERT INTO team_question VALUES (1, 2, REPEAT('x', 500000), 1, 1, NULL)")
    database.commit()
    with pytest.raises(OperatorError, match=r"refused a batch of team_question.*'teamID': {'N': '1'}"):
        transfer(database, dynamodb, tmp_path).run()


@pytest.mark.engines
def test_a_table_without_the_key_is_refused(database: Any, contest: Made, tmp_path: Path) -> None:
    dynamodb = contest().client("dynamodb")
    make_table(dynamodb, "team_question")
    with pytest.raises(OperatorError, match="team has no column teamID, questionID"):
        Transfer(database, dynamodb, "team", "team_question", tmp_path / "x", progress=lambda _: None).run()


@pytest.mark.engines
def test_a_checkpoint_of_another_table_is_refused(database: Any, contest: Made, tmp_path: Path) -> None:
    dynamodb = contest().client("dynamodb")
    make_table(dynamodb, "team_question")
    (tmp_path / "team_question.json").write_text('{"keys": ["ID"], "after": [3], "rows": 3}')
    with pytest.raises(OperatorError, match="--restart"):
        transfer(database, dynamodb, tmp_path).run()
