"""Expressions of schedules as EventBridge Scheduler and AWS Backup take them: `rate(3 hours)`, `cron(0 3 * * ? *)`.

By the EventBridge Scheduler User Guide, "Schedule types", 2026-11-28.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

_RATE = re.compile(r"rate\(([0-9]+) (minute|hour|day)(s?)\)")
_CRON = re.compile(r"cron\(([^()]+)\)")
_MINUTES = {"minute": 1, "hour": 60, "day": 1440}
_YEAR_MINUTES = 366 * 1440
_EXAMPLE = "cron(0 3 * * ? *) is three o'clock every day"


class _Field(NamedTuple):
    name: str
    low: int
    high: int
    words: Sequence[str] = ()
    special: str = ""
    """Pattern of what this field alone may hold."""


_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FIELDS = (
    _Field("minutes", 0, 59),
    _Field("hours", 0, 23),
    _Field("day-of-month", 1, 31, special=r"\?|L|LW|L-([1-9]|[12][0-9]|30)|([1-9]|[12][0-9]|3[01])W"),
    _Field("month", 1, 12, _MONTHS),
    _Field("day-of-week", 1, 7, _DAYS, special=rf"\?|L|([1-7]|{'|'.join(_DAYS)})(L|#[1-5])"),
    _Field("year", 1970, 2199),
)


def cron(text: str) -> str:
    """`text`. Raises ValueError when AWS would refuse it.

    >>> cron("cron(0 16 ? * SAT *)")
    'cron(0 16 ? * SAT *)'
    """
    found = _CRON.fullmatch(text)
    if not found:
        raise ValueError(f"is not a cron expression; {_EXAMPLE}")
    values = found[1].split(" ")
    if len(values) != len(_FIELDS):
        names = ", ".join(field.name for field in _FIELDS)
        raise ValueError(f"has {len(values)} fields, AWS takes six: {names}; {_EXAMPLE}")
    for field, value in zip(_FIELDS, values, strict=True):
        if not all(_is_part(part, field) for part in value.split(",")):
            words = f" or {field.words[0]} to {field.words[-1]}" if field.words else ""
            raise ValueError(f"has {field.name} {value}; allowed: {field.low} to {field.high}{words}, with * , - /")
    if (values[2] == "?") == (values[4] == "?"):
        raise ValueError(f"must have ? as exactly one of day-of-month and day-of-week; {_EXAMPLE}")
    return text


def _is_part(text: str, field: _Field) -> bool:
    if field.special and re.fullmatch(field.special, text):
        return True
    range_, slash, step = text.partition("/")
    if slash and not (re.fullmatch("[1-9][0-9]{0,3}", step) and int(step) <= field.high):
        return False
    if range_ == "*":
        return True
    low, dash, high = range_.partition("-")
    first, last = _number(low, field), _number(high if dash else low, field)
    return first is not None and last is not None and (first <= last)


def _number(text: str, field: _Field) -> int | None:
    if text in field.words:
        return field.low + field.words.index(text)
    if re.fullmatch("[0-9]{1,4}", text) and field.low <= int(text) <= field.high:
        return int(text)
    return None


def schedule(text: str) -> str:
    """`text`, a rate or a cron expression. Raises ValueError when AWS would refuse it.

    >>> schedule("rate(3 hours)")
    'rate(3 hours)'
    """
    found = _RATE.fullmatch(text)
    if not found:
        if _CRON.fullmatch(text):
            return cron(text)
        raise ValueError(f"is neither a rate nor a cron expression; examples: rate(3 hours), {_EXAMPLE}")
    number, unit, plural = found.groups()
    if len(number) > 6 or not 1 <= int(number) * _MINUTES[unit] <= _YEAR_MINUTES:
        raise ValueError("must be between a minute and 366 days")
    if (int(number) == 1) == bool(plural):
        raise ValueError(f"must be rate({int(number)} {unit}{'s' if int(number) != 1 else ''})")
    return text
