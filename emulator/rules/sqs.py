"""SQS: attributes of queues.

Source: SQS API Reference, SetQueueAttributes (2026-11-28).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emulator.call import Refusal
from emulator.rules.rule import Rules

if TYPE_CHECKING:
    from emulator.call import Call

RULES = Rules("sqs")

_RANGES = {
    "DelaySeconds": range(901),
    "KmsDataKeyReusePeriodSeconds": range(60, 86_401),
    "MaximumMessageSize": range(1_024, 1_048_577),
    "MessageRetentionPeriod": range(60, 1_209_601),
    "ReceiveMessageWaitTimeSeconds": range(21),
    "VisibilityTimeout": range(43_201),
}


@RULES.on("CreateQueue", "SetQueueAttributes")
def attributes_are_within_their_ranges(call: Call) -> None:
    for name, value in call.parameters.get("Attributes", {}).items():
        allowed = _RANGES.get(name)
        if allowed is not None and not (value.isdecimal() and int(value) in allowed):
            raise Refusal("InvalidAttributeValue", f"Invalid value for the parameter {name}.")
