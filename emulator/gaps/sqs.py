"""SQS: a redrive policy comes back with blanks AWS does not write, which `aws_sqs_queue` may see as a change."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from moto.sqs.models import Queue

from emulator.gap import Gap

GAP = Gap("sqs")


@GAP.around(Queue, "attributes")
def redrive_policy_without_blanks(original: Callable[[Queue], dict[str, Any]], queue: Queue) -> dict[str, Any]:
    attributes = original(queue)
    if attributes.get("RedrivePolicy"):
        attributes["RedrivePolicy"] = json.dumps(json.loads(attributes["RedrivePolicy"]), separators=(",", ":"))
    return attributes
