"""Requests that moto cannot answer: refused at once, and remembered for `quintet emulator status`.

moto answers a missing action and a failure of its own with HTTP 500, which AWS's SDKs repeat up to 25 times, silent for
minutes; 501 they do not repeat.
"""

from __future__ import annotations

import traceback
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from emulator.call import Refusal

if TYPE_CHECKING:
    from emulator.call import Call


@dataclass
class Shortcomings:
    """Calls that could not be answered, with how often, since the last reset."""

    missing: Counter[str] = field(default_factory=Counter)
    """Actions that neither moto nor the gaps have."""
    failed: Counter[str] = field(default_factory=Counter)
    """Actions in which moto itself failed; the process's log has the traceback."""

    def not_there(self, call: Call, reason: NotImplementedError) -> Refusal:
        """Count an action that nothing implements."""
        self.missing[str(call)] += 1
        print(f"missing: {call}: {reason}", flush=True)  # noqa: T201  # standard output is the process's log
        message = f"the emulator has no {call} ({reason})"
        return Refusal("NotImplemented", message, status=HTTPStatus.NOT_IMPLEMENTED)

    def broken(self, call: Call, failure: Exception) -> Refusal:
        """Count an action that failed, and write its traceback to the log."""
        self.failed[str(call)] += 1
        print(f"failed: {call}\n{traceback.format_exc()}", flush=True)  # noqa: T201 - the process's log
        message = f"{call} failed in the emulator: {type(failure).__name__}: {failure}"
        return Refusal("EmulatorFailure", message, status=HTTPStatus.NOT_IMPLEMENTED)

    def clear(self) -> None:
        """Forget all of it."""
        self.missing.clear()
        self.failed.clear()
