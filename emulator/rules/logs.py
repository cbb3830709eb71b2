"""CloudWatch Logs: days that a group can keep its events.

Source: CloudWatch Logs API Reference, PutRetentionPolicy (2026-11-28).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Refusal
from emulator.rules.rule import Rules

if TYPE_CHECKING:
    from emulator.call import Call

RULES = Rules("logs")

_DAYS = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)


@RULES.on("PutRetentionPolicy")
def events_are_kept_for_days_that_can_be_chosen(call: Call) -> None:
    days = call.parameters["retentionInDays"]
    if days not in _DAYS:
        allowed = ", ".join(map(str, _DAYS))
        raise Refusal(
            "InvalidParameterException",
            f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: Member"
            f" must satisfy enum value set: [{allowed}]",
        )
