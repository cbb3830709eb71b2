"""Copies a table from MySQL to DynamoDB."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deployments.beaver_contest.day2.items import item_of
from deployments.beaver_contest.day2.mysql import quoted
from operations.errors import OperatorError

if TYPE_CHECKING:
    from pathlib import Path

    from deployments.beaver_contest.day2.items import Item

BATCH = 25
"""Most items that DynamoDB takes in one request."""

PAGE = 40 * BATCH
WRITERS = 8
_TRIES = 12
_LONGEST_PAUSE_SECONDS = 20.0


@dataclass(frozen=True)
class Keys:
    """A DynamoDB table's key attributes and their types, the hash key first."""

    types: Mapping[str, str]

    @classmethod
    def of(cls, dynamodb: Any, table: str) -> Keys:
        """As the table itself says."""
        described = dynamodb.describe_table(TableName=table)["Table"]
        types = {a["AttributeName"]: a["AttributeType"] for a in described["AttributeDefinitions"]}
        schema = sorted(described["KeySchema"], key=lambda key: key["KeyType"] != "HASH")
        return cls({key["AttributeName"]: types[key["AttributeName"]] for key in schema})

    @property
    def names(self) -> tuple[str, ...]:
        """Their names."""
        return tuple(self.types)


@dataclass
class Transfer:
    """One table's rows on their way; `checkpoint` remembers how far they are, so that a stopped run goes on.

    Rows are read in the order of the key, a page at a time, so memory does not grow with the table.
    """

    connection: Any
    dynamodb: Any
    source: str
    target: str
    checkpoint: Path
    progress: Callable[[int], None]
    pause: Callable[[float], None] = time.sleep

    def run(self) -> int:
        """Copy what is not copied yet; returns how many rows were written, earlier runs' included.

        Raises OperatorError when MySQL's table lacks a key column, DynamoDB refuses an item, or leaves items
        unprocessed again and again; the checkpoint then says where to go on.
        """
        keys = Keys.of(self.dynamodb, self.target)
        columns = self._columns()
        missing = [name for name in keys.names if name not in columns]
        if missing:
            raise OperatorError(
                f"MySQL's table {self.source} has no column {', '.join(missing)}, a key of {self.target}."
            )
        after, written = self._remembered(keys)
        self.progress(written)
        with ThreadPoolExecutor(max_workers=WRITERS) as pool:
            for rows in self._pages(keys.names, after):
                items = [item_of(row, keys.types) for row in rows]
                batches = [items[start : start + BATCH] for start in range(0, len(items), BATCH)]
                for done in [pool.submit(self._write, batch) for batch in batches]:
                    done.result()
                written += len(rows)
                self._remember(keys, [rows[-1][name] for name in keys.names], written)
                self.progress(written)
        self.checkpoint.unlink(missing_ok=True)
        return written

    def count_source(self) -> int:
        """How many rows MySQL has."""
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT COUNT(*) FROM {quoted(self.source)}")  # noqa: S608 - the name is quoted
            (count,) = cursor.fetchone()
        return int(count)

    def count_target(self) -> int:
        """How many items DynamoDB has; it reads every one of them."""
        pages = self.dynamodb.get_paginator("scan").paginate(TableName=self.target, Select="COUNT", ConsistentRead=True)
        return sum(page["Count"] for page in pages)

    def _columns(self) -> list[str]:
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {quoted(self.source)} LIMIT 0")  # noqa: S608 - the name is quoted
            return [column[0] for column in cursor.description]

    def _pages(self, keys: Sequence[str], after: Sequence[Any] | None) -> Iterator[list[dict[str, Any]]]:
        from pymysql.cursors import DictCursor

        order = ", ".join(map(quoted, keys))
        while True:
            where, values = _beyond(keys, after)
            query = f"SELECT * FROM {quoted(self.source)}{where} ORDER BY {order} LIMIT {PAGE}"  # noqa: S608 - quoted
            with self.connection.cursor(DictCursor) as cursor:
                cursor.execute(query, values)
                rows = list(cursor.fetchall())
            self.connection.commit()  # a transaction of hours would keep the server from tidying up
            if not rows:
                return
            yield rows
            after = [rows[-1][name] for name in keys]

    def _write(self, items: Sequence[Item]) -> None:
        from botocore.exceptions import ClientError

        left = [{"PutRequest": {"Item": item}} for item in items]
        for attempt in range(_TRIES):
            try:
                answer = self.dynamodb.batch_write_item(RequestItems={self.target: left})
            except ClientError as error:
                reason = error.response["Error"]
                if reason["Code"] != "ProvisionedThroughputExceededException":
                    first = {name: items[0][name] for name in list(items[0])[:2]}
                    raise OperatorError(
                        f"DynamoDB refused a batch of {self.target}, the first item of which is {first}: "
                        f"{reason.get('Message')}."
                    ) from None
            else:
                left = answer.get("UnprocessedItems", {}).get(self.target, [])
                if not left:
                    return
            self.pause(min(_LONGEST_PAUSE_SECONDS, 0.05 * 2**attempt))
        raise OperatorError(
            f"DynamoDB left {len(left)} items of {self.target} unprocessed {_TRIES} times.",
            hint="Raise the table's write capacity and run the command again: it goes on where it stopped.",
        )

    def _remembered(self, keys: Keys) -> tuple[list[Any] | None, int]:
        try:
            found = json.loads(self.checkpoint.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None, 0
        except ValueError:
            raise OperatorError(f"{self.checkpoint} is damaged.", hint="Begin again with --restart.") from None
        if found["keys"] != list(keys.names):
            raise OperatorError(f"{self.checkpoint} is of a table with other keys.", hint="Begin again with --restart.")
        return found["after"], found["rows"]

    def _remember(self, keys: Keys, after: Sequence[Any], rows: int) -> None:
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        half = self.checkpoint.with_suffix(".new")
        state = {"keys": list(keys.names), "after": list(after), "rows": rows}
        half.write_text(json.dumps(state, default=str), encoding="utf-8")
        half.replace(self.checkpoint)


def _beyond(keys: Sequence[str], after: Sequence[Any] | None) -> tuple[str, list[Any]]:
    """The condition that leaves out rows up to the key `after`, so written that MySQL uses the key.

    >>> _beyond(["teamID", "questionID"], [7, 3])
    (' WHERE `teamID` > %s OR (`teamID` = %s AND `questionID` > %s)', [7, 7, 3])
    """
    if after is None:
        return "", []
    if len(keys) == 1:
        return f" WHERE {quoted(keys[0])} > %s", list(after)
    first, second = map(quoted, keys)
    return f" WHERE {first} > %s OR ({first} = %s AND {second} > %s)", [after[0], after[0], after[1]]
