"""Rows of MySQL as items of DynamoDB."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

Item = dict[str, dict[str, Any]]


def item_of(row: Mapping[str, Any], keys: Mapping[str, str]) -> Item:
    """A row as DynamoDB stores it; `keys` are the table's key attributes and their types.

    NULL and empty strings are left out, as the contest's own code does; a score of 0 stays, which that code loses.
    Times are written as that code writes them.

    >>> item_of({"teamID": 7, "questionID": 3, "answer": "", "score": 0, "ffScore": None}, {"teamID": "N"})
    {'teamID': {'N': '7'}, 'questionID': {'N': '3'}, 'score': {'N': '0'}}
    """
    item: Item = {}
    for name, value in row.items():
        if value is not None and value != "" and value != b"":
            item[name] = {keys[name]: _text(value)} if name in keys else _attribute(value)
    return item


def _attribute(value: Any) -> dict[str, Any]:
    return {"N" if isinstance(value, int | float | Decimal) else "S": _text(value)}


def _text(value: Any) -> str:
    match value:
        case datetime():
            return value.strftime("%Y-%m-%d %H:%M:%S") + (f".{value.microsecond:06}" if value.microsecond else "")
        case date():
            return value.isoformat()
        case timedelta():
            minutes, seconds = divmod(abs(value).seconds + abs(value).days * 86400, 60)
            return f"{'-' if value.days < 0 else ''}{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
        case bytes():
            return value.decode("utf-8", errors="surrogateescape")
        case _:
            return str(value)
