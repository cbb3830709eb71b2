"""Writes a DynamoDB table's items into a file, one JSON document on each line."""

from __future__ import annotations

import base64
import json
import os
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.errors import OperatorError

if TYPE_CHECKING:
    from pathlib import Path

SEGMENTS = 4
"""Parts of the table read at once."""


@dataclass(frozen=True)
class Interval:
    """Times between which an item's `date` lies, both left out themselves, as `2016-11-11 07:00:00`."""

    begin: str
    end: str


@dataclass
class Export:
    """The items of `table`, all or those of an interval, on their way into the file `target`.

    Every segment has a file of its own until all are done, and remembers in it how far it is: a stopped run goes on.
    Nothing but one page of each segment is in memory.
    """

    dynamodb: Any
    table: str
    target: Path
    interval: Interval | None
    progress: Callable[[int, int], None]
    """Told how many items were looked at and written so far."""

    def __post_init__(self) -> None:
        """The counters that segments share."""
        self._guard = threading.Lock()
        self._looked_at = self._written = 0
        self._stop = threading.Event()

    def run(self) -> int:
        """Write what is not written yet; returns how many lines the file has.

        Raises OperatorError when an earlier, stopped run was about another table or interval.
        """
        self._refuse_other_runs()
        with ThreadPoolExecutor(max_workers=SEGMENTS) as pool:
            segments = [pool.submit(self._segment, number) for number in range(SEGMENTS)]
            try:
                for segment in segments:
                    segment.result()
            except BaseException:
                self._stop.set()  # the others end after the page they are at
                raise
        half = self.target.with_name(f"{self.target.name}.new")
        with half.open("wb") as output:
            for number in range(SEGMENTS):
                with self._part(number).open("rb") as part:
                    shutil.copyfileobj(part, output, 1024 * 1024)
        half.replace(self.target)
        self.forget()
        return self._written

    def forget(self) -> None:
        """Remove what a stopped run left, so that the next one begins anew."""
        for number in range(SEGMENTS):
            self._part(number).unlink(missing_ok=True)
            self._state(number).unlink(missing_ok=True)
        self._description.unlink(missing_ok=True)

    def _segment(self, number: int) -> None:
        state = self._remembered(number)
        self._count(state["looked_at"], state["written"])
        request = self._request(number)
        with self._part(number).open("ab") as part:
            part.truncate(state["bytes"])
            while not state["done"] and not self._stop.is_set():
                if state["after"] is not None:
                    request["ExclusiveStartKey"] = state["after"]
                page = self.dynamodb.scan(**request)
                for item in page["Items"]:
                    part.write(line(item))
                part.flush()
                os.fsync(part.fileno())
                state |= {
                    "after": page.get("LastEvaluatedKey"),
                    "done": "LastEvaluatedKey" not in page,
                    "bytes": part.tell(),
                    "looked_at": state["looked_at"] + page["ScannedCount"],
                    "written": state["written"] + page["Count"],
                }
                _replace(self._state(number), json.dumps(state))
                self._count(page["ScannedCount"], page["Count"])

    def _request(self, number: int) -> dict[str, Any]:
        request: dict[str, Any] = {"TableName": self.table, "Segment": number, "TotalSegments": SEGMENTS}
        if self.interval is not None:
            request |= {
                "FilterExpression": "#date > :begin AND #date < :end",
                "ExpressionAttributeNames": {"#date": "date"},
                "ExpressionAttributeValues": {
                    ":begin": {"S": self.interval.begin},
                    ":end": {"S": self.interval.end},
                },
            }
        return request

    def _count(self, looked_at: int, written: int) -> None:
        with self._guard:
            self._looked_at += looked_at
            self._written += written
            self.progress(self._looked_at, self._written)

    def _refuse_other_runs(self) -> None:
        interval = [self.interval.begin, self.interval.end] if self.interval else None
        about = json.dumps({"table": self.table, "interval": interval})
        if self._description.exists() and self._description.read_text(encoding="utf-8") != about:
            raise OperatorError(
                f"Beside {self.target} lies what a stopped export of another table or interval left.",
                hint="Finish it with its own options, or begin anew with --restart.",
            )
        self.target.parent.mkdir(parents=True, exist_ok=True)
        _replace(self._description, about)

    def _remembered(self, number: int) -> dict[str, Any]:
        try:
            state: dict[str, Any] = json.loads(self._state(number).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {"after": None, "done": False, "bytes": 0, "looked_at": 0, "written": 0}
        except ValueError:
            raise OperatorError(f"{self._state(number)} is damaged.", hint="Begin anew with --restart.") from None
        return state

    @property
    def _description(self) -> Path:
        return self.target.with_name(f"{self.target.name}.unfinished")

    def _part(self, number: int) -> Path:
        return self.target.with_name(f"{self.target.name}.part-{number}")

    def _state(self, number: int) -> Path:
        return self.target.with_name(f"{self.target.name}.state-{number}")


def line(item: dict[str, dict[str, Any]]) -> bytes:
    """An item as a line of the file, in DynamoDB's own notation.

    >>> line({"teamID": {"N": "7"}, "answer": {"S": "é"}}).decode().rstrip()
    '{"answer":{"S":"é"},"teamID":{"N":"7"}}'
    """
    text = json.dumps(item, ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=_octets)
    return f"{text}\n".encode()


def _octets(value: Any) -> str:
    return base64.b64encode(bytes(value)).decode("ascii")


def _replace(path: Path, text: str) -> None:
    half = path.with_name(f"{path.name}.new")
    half.write_text(text, encoding="utf-8")
    half.replace(path)
