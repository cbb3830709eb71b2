"""CloudWatch: periods of alarms.

Source: CloudWatch API Reference, PutMetricAlarm (2026-11-28).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Refusal
from emulator.rules.rule import Rules

if TYPE_CHECKING:
    from emulator.call import Call

RULES = Rules("cloudwatch")

_SHORT_PERIODS = (10, 20, 30)
_WEEK_SECONDS = 7 * 24 * 60 * 60
_DAY_SECONDS = 24 * 60 * 60
_HOUR_SECONDS = 60 * 60


@RULES.on("PutMetricAlarm")
def an_alarm_has_a_period_that_metrics_have(call: Call) -> None:
    period = call.parameters.get("Period")
    if period is None:
        return
    if period not in _SHORT_PERIODS and period % 60:
        raise Refusal("ValidationError", f"Period must be 10, 20, 30 or a multiple of 60, not {period}")
    most = _WEEK_SECONDS if period >= _HOUR_SECONDS else _DAY_SECONDS
    if period * call.parameters.get("EvaluationPeriods", 1) > most:
        raise Refusal(
            "ValidationError", f"Metrics cannot be checked across more than {most} seconds (EvaluationPeriods * Period)"
        )
