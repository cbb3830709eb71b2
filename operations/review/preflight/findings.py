"""Questions of preflight and the findings that answer them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from operations.review.preflight.account import Account
    from operations.review.preflight.planned import Planned


class Verdict(StrEnum):
    """An answer's meaning for the next apply."""

    FINE = "fine"
    WARNING = "warning"
    NOT_CHECKED = "not checked"
    FAILS = "fails"


@dataclass(frozen=True)
class Finding:
    """One answer: its subject, AWS's state, and the next step where there is one."""

    verdict: Verdict
    subject: str
    found: str
    hint: str = ""


Question = Callable[["Account", "Planned"], Iterator[Finding]]
"""Asks about one subject; its name, with spaces for underscores, is the subject of what it cannot answer."""


def fine(subject: str, found: str) -> Finding:
    """Nothing to do."""
    return Finding(Verdict.FINE, subject, found)


def warning(subject: str, found: str, hint: str = "") -> Finding:
    """The apply succeeds, and something else may not."""
    return Finding(Verdict.WARNING, subject, found, hint)


def fails(subject: str, found: str, hint: str = "") -> Finding:
    """The apply would fail."""
    return Finding(Verdict.FAILS, subject, found, hint)


def not_checked(subject: str, found: str, hint: str = "") -> Finding:
    """AWS gave no answer: nothing is known."""
    return Finding(Verdict.NOT_CHECKED, subject, found, hint)


@dataclass(frozen=True)
class Preflight:
    """The findings about one stack."""

    stack: str
    findings: Sequence[Finding]
    calls: int

    def count(self, verdict: Verdict) -> int:
        """Number of the findings of a verdict."""
        return sum(finding.verdict is verdict for finding in self.findings)
