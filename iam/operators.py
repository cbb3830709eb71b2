"""Condition operators of IAM.

Source: AWS, "IAM JSON policy elements: Condition operators" and "Set operators for multi-valued context keys",
IAM User Guide, read 2026-11-28.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from iam.errors import MalformedPolicyError
from iam.patterns import matches


@dataclass(frozen=True)
class Operator:
    """A condition operator: `holds(value of the request, value of the policy)`, and how absent values count."""

    name: str
    """As it is written, without qualifier and `IfExists`, such as `StringLike`."""
    negated: bool
    if_exists: bool
    qualifier: str
    """`ForAllValues`, `ForAnyValue` or empty."""

    @staticmethod
    def named(text: str) -> Operator:
        """The operator of a policy's text, such as `ForAnyValue:StringLikeIfExists`; ValueError for an unknown one."""
        qualifier, colon, rest = text.rpartition(":")
        known_qualifier = _QUALIFIERS.get(qualifier.lower())
        bare = rest.lower()
        name = _NAMES.get(bare) or _NAMES.get(bare.removesuffix("ifexists"))
        if_exists = bare not in _NAMES and bare.endswith("ifexists")
        if (
            name is None
            or known_qualifier is None
            or (colon and not qualifier)
            or (name == "Null" and (if_exists or colon))
        ):
            raise ValueError(f"the condition operator {text!r} is not known here")
        return Operator(name, name in _NEGATED, if_exists, known_qualifier)

    @property
    def by_pattern(self) -> bool:
        """Values of the policy are patterns, in which `*` and `?` stand for other characters."""
        return self.name.startswith("Arn") or self.name.endswith("Like")

    def holds(self, value: str, wanted: str) -> bool:
        """Compare one value of the request with one of the policy, without negation.

        Raises MalformedPolicyError for a value that is no number, date or address where one is wanted.
        """
        try:
            return _COMPARISONS[_NEGATED.get(self.name, self.name)](value, wanted)
        except ValueError:
            raise MalformedPolicyError(f"{self.name} cannot compare {value!r} with {wanted!r}") from None


def _arn(value: str, wanted: str) -> bool:
    """Compare part by part: each of the six parts may hold wildcards of its own."""
    have, want = value.split(":", 5), wanted.split(":", 5)
    if len(want) < 6 and wanted.strip("*"):
        raise ValueError(wanted)
    return not wanted.strip("*") or (
        len(have) == len(want) and all(matches(part, text) for part, text in zip(want, have, strict=True))
    )


def _date(text: str) -> datetime:
    if text.isdecimal():
        return datetime.fromtimestamp(int(text), UTC)
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _boolean(value: str, wanted: str) -> bool:
    if wanted.lower() not in ("true", "false"):
        raise ValueError(wanted)
    return value.lower() == wanted.lower()


_COMPARISONS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == wanted.lower(),
    "StringLike": lambda value, wanted: matches(wanted, value),
    "NumericEquals": lambda value, wanted: float(value) == float(wanted),
    "NumericLessThan": lambda value, wanted: float(value) < float(wanted),
    "NumericLessThanEquals": lambda value, wanted: float(value) <= float(wanted),
    "NumericGreaterThan": lambda value, wanted: float(value) > float(wanted),
    "NumericGreaterThanEquals": lambda value, wanted: float(value) >= float(wanted),
    "DateEquals": lambda value, wanted: _date(value) == _date(wanted),
    "DateLessThan": lambda value, wanted: _date(value) < _date(wanted),
    "DateLessThanEquals": lambda value, wanted: _date(value) <= _date(wanted),
    "DateGreaterThan": lambda value, wanted: _date(value) > _date(wanted),
    "DateGreaterThanEquals": lambda value, wanted: _date(value) >= _date(wanted),
    "Bool": _boolean,
    "BinaryEquals": lambda value, wanted: value == wanted,
    "IpAddress": lambda value, wanted: ipaddress.ip_address(value) in ipaddress.ip_network(wanted, strict=False),
    "ArnEquals": _arn,
    "ArnLike": _arn,
}
_NEGATED: Final[Mapping[str, str]] = {
    "StringNotEquals": "StringEquals",
    "StringNotEqualsIgnoreCase": "StringEqualsIgnoreCase",
    "StringNotLike": "StringLike",
    "NumericNotEquals": "NumericEquals",
    "DateNotEquals": "DateEquals",
    "NotIpAddress": "IpAddress",
    "ArnNotEquals": "ArnEquals",
    "ArnNotLike": "ArnLike",
}
_NAMES: Final = {name.lower(): name for name in (*_COMPARISONS, *_NEGATED, "Null")}
_QUALIFIERS: Final = {"": "", "forallvalues": "ForAllValues", "foranyvalue": "ForAnyValue"}
