"""Questions of preflight and the findings that answer them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from operations.review.preflight.account import Account
    from operations.review.preflight.planned import PlannedDocument


class Verdict(StrEnum):
    """An answer's meaning for the next apply."""

    FINE = "fine"
    WARNING = "warning"
    NOT_CHECKED = "not checked"
    FAILS = "fails"


@dataclass(frozen=True)
class PreflightFinding:
    """One answer: its subject, AWS's state, and the next step where there is one."""

    verdict: Verdict
    subject: str
    found: str
    hint: str = ""


Question = Callable[["Account", "PlannedDocument"], Iterator[PreflightFinding]]
"""Asks about one subject; its name, with spaces for underscores, is the subject of what it cannot answer."""


def fine(subject: str, found: str) -> PreflightFinding:
    """Nothing to do."""
    return PreflightFinding(Verdict.FINE, subject, found)


def warning(subject: str, found: str, hint: str = "") -> PreflightFinding:
    """The apply succeeds, and something else may not."""
    return PreflightFinding(Verdict.WARNING, subject, found, hint)


def fails(subject: str, found: str, hint: str = "") -> PreflightFinding:
    """The apply would fail."""
    return PreflightFinding(Verdict.FAILS, subject, found, hint)


def not_checked(subject: str, found: str, hint: str = "") -> PreflightFinding:
    """AWS gave no answer: nothing is known."""
    return PreflightFinding(Verdict.NOT_CHECKED, subject, found, hint)


@dataclass(frozen=True)
class Preflight:
    """The findings about one stack."""

    stack: str
    findings: Sequence[PreflightFinding]
    calls: int

    def count(self, verdict: Verdict) -> int:
        """Number of the findings of a verdict."""
        return sum(finding.verdict is verdict for finding in self.findings)
