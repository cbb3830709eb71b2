"""Answers exported from DynamoDB, as SQL for MySQL."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

from deployments.beaver_contest.day2.mysql import quoted
from operations.errors import OperatorError

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = ("teamID", "questionID", "answer", "score", "ffScore", "date")
GROUP = 50
"""Rows in one statement, as the document's script has it."""

HEADER = "SET NAMES utf8mb4;\nSET SESSION sql_mode = '';\n"
"""The strings below are escaped with backslashes, which one of MySQL's modes does not take for escapes."""

_DUPLICATE = 1062
_STATEMENTS_PER_TRANSACTION = 100
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")


def statements(lines: Iterable[str], *, table: str = "team_question", name: str = "the export") -> Iterator[str]:
    """One INSERT statement for every fifty lines, each on a line of its own; rows that exist already stay as they are.

    An answer that is missing is an empty one, a missing score or date is NULL. Raises OperatorError with the line that
    is not an item of the table.
    """
    beginning = f"INSERT IGNORE INTO {quoted(table)} ({', '.join(map(quoted, COLUMNS))}) VALUES "  # noqa: S608 - names are quoted
    rows: list[str] = []
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            rows.append(_row(json.loads(text)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise OperatorError(f"Line {number} of {name} is not an item of {table}: {error}.") from None
        if len(rows) == GROUP:
            yield f"{beginning}{', '.join(rows)};\n"
            rows = []
    if rows:
        yield f"{beginning}{', '.join(rows)};\n"


def write_sql(source: Path, target: Path, *, table: str = "team_question") -> int:
    """Write the file of statements for the export `source`; returns how many there are. Raises OperatorError."""
    half = target.with_name(f"{target.name}.new")
    number = 0
    with source.open(encoding="utf-8", newline="\n") as lines, half.open("w", encoding="utf-8", newline="\n") as output:
        output.write(HEADER)
        for statement in statements(lines, table=table, name=str(source)):
            output.write(statement)
            number += 1
    half.replace(target)
    return number


def load_sql(source: Path, connection: Any, progress: Callable[[int], None]) -> int:
    """Run the file's statements and return how many rows were new; `progress` is told the bytes read.

    Safe to repeat: rows that are there stay. Raises OperatorError when the server cuts or changes a value, which
    INSERT IGNORE would otherwise pass over.
    """
    new = 0
    with source.open("rb") as lines, connection.cursor() as cursor:
        for number, statement in enumerate(lines, start=1):
            new += max(0, cursor.execute(statement.rstrip(b"\n").decode("utf-8")))
            if cursor.warning_count:
                cursor.execute("SHOW WARNINGS")
                spoilt = [row for row in cursor.fetchall() if row[1] != _DUPLICATE]
                if spoilt:
                    connection.rollback()
                    raise OperatorError(f"Line {number} of {source} does not fit the table: {spoilt[0][2]}.")
            if number % _STATEMENTS_PER_TRANSACTION == 0:
                connection.commit()
                progress(lines.tell())
        connection.commit()
    return new


def _row(item: dict[str, Any]) -> str:
    values = [
        _number(item["teamID"]["N"]),
        _number(item["questionID"]["N"]),
        _string(item.get("answer", {}).get("S", "")),
        _number(item["score"]["N"]) if "score" in item else "NULL",
        _number(item["ffScore"]["N"]) if "ffScore" in item else "NULL",
        _string(item["date"]["S"]) if "date" in item else "NULL",
    ]
    return f"({', '.join(values)})"


def _number(text: str) -> str:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is not a number")
    return text


def _string(text: str) -> str:
    from pymysql.converters import escape_string

    return f"'{escape_string(text)}'"
