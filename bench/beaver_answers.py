"""Cost of moving a million answers: MySQL to DynamoDB, DynamoDB to lines, lines to SQL, SQL to MySQL.

    python -m bench.beaver_answers [ROWS]

MySQL is a real MariaDB. DynamoDB is a stand-in in this process that pages and takes batches as the service does, and
answers at once: what is measured is this project's own work. Memory is the peak of this process.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pymysql

from deployments.beaver_contest.day2.answers_sql import load_sql, write_sql
from deployments.beaver_contest.day2.export import SEGMENTS, Export
from deployments.beaver_contest.day2.transfer import BATCH, Transfer
from tests.engines import PASSWORD, USER, MariaDb, mariadb

PER_PAGE = 4000
"""Answers in the megabyte that DynamoDB gives back at once."""

ANSWER = '{"x": 12, "path": [1, 2, 3], "text": "réponse n° %d"}'


class Table:
    """A DynamoDB client for one table of `rows` answers that are made up when they are asked for."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self.written = 0

    def describe_table(self, **_: Any) -> Any:
        """Its keys."""
        keys = [("teamID", "HASH"), ("questionID", "RANGE")]
        return {
            "Table": {
                "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in keys],
                "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "N"} for name, _ in keys],
            }
        }

    def batch_write_item(self, *, RequestItems: dict[str, list[Any]]) -> Any:  # noqa: N803 - boto3 calls it so
        """Take everything."""
        ((_, requests),) = RequestItems.items()
        assert len(requests) <= BATCH
        self.written += len(requests)
        return {"UnprocessedItems": {}}

    def scan(self, **request: Any) -> Any:
        """One page of one segment."""
        first, last = (self.rows * (request["Segment"] + step) // SEGMENTS for step in (0, 1))
        start = int(request.get("ExclusiveStartKey", {}).get("at", {}).get("N", first))
        end = min(start + PER_PAGE, last)
        page: dict[str, Any] = {
            "Items": [
                {
                    "teamID": {"N": str(1 + number // 15)},
                    "questionID": {"N": str(number % 15)},
                    "answer": {"S": ANSWER % number},
                    "score": {"N": str(number % 40)},
                    "date": {"S": "2016-11-14 08:00:00"},
                }
                for number in range(start, end)
            ],
            "Count": end - start,
            "ScannedCount": end - start,
        }
        if end < last:
            page["LastEvaluatedKey"] = {"at": {"N": str(end)}}
        return page


def main() -> None:
    """Measure every step and print a line for each."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    table = Table(rows)
    print(f"{rows:,} answers; this process has {_megabytes():.0f} MB before it begins")
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        server: MariaDb = stack.enter_context(contextmanager(mariadb.__wrapped__)())
        database = stack.enter_context(
            pymysql.connect(host=server.host, port=server.port, user=USER, password=PASSWORD, charset="utf8mb4")
        )
        with database.cursor() as cursor:
            cursor.execute("CREATE DATABASE bench CHARACTER SET utf8mb4")
            cursor.execute("USE bench")
            cursor.execute(
                "CREATE TABLE team_question (teamID bigint, questionID bigint, answer mediumtext NOT NULL, score int,"
                " ffScore int, date datetime, PRIMARY KEY (teamID, questionID))"
            )
        dump, sql = Path(folder, "answers.dump"), Path(folder, "answers.sql")
        with _measured("DynamoDB to lines", rows):
            assert Export(table, "team_question", dump, None, progress=lambda *_: None).run() == rows
        with _measured("lines to SQL", rows):
            write_sql(dump, sql)
        with _measured("SQL to MySQL", rows):
            assert load_sql(sql, database, lambda _: None) == rows
        with _measured("MySQL to DynamoDB", rows):
            moving = Transfer(
                database, table, "team_question", "team_question", Path(folder, "state.json"), lambda _: None
            )
            assert moving.run() == rows == table.written
        print(f"files: {dump.stat().st_size / 1e6:.0f} MB of lines, {sql.stat().st_size / 1e6:.0f} MB of SQL")


@contextmanager
def _measured(step: str, rows: int) -> Iterator[None]:
    started = time.monotonic()
    yield
    seconds = time.monotonic() - started
    print(f"{step:18} {seconds:7.1f} s {rows / seconds:10,.0f} rows/s   peak {_megabytes():.0f} MB", flush=True)


def _megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
