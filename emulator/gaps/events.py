"""EventBridge: events are delivered to SQS, log groups and other buses only; with any other target PutEvents fails.

Here they reach Lambda functions, Step Functions state machines and SNS topics as well (`aws_cloudwatch_event_target`).
Targets of other kinds are noted in the log and left out.
"""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Callable
from typing import Any

from moto.awslambda.utils import get_backend as get_lambda_backend
from moto.events.models import Rule
from moto.events.utils import EventTemplateParser
from moto.sns.models import sns_backends
from moto.stepfunctions.responses import get_backend as get_states_backend
from moto.utilities.arns import parse_arn

from emulator.gap import Gap

GAP = Gap("events")

_BY_MOTO = frozenset({"events", "logs", "sqs"})


@GAP.around(Rule, "send_to_targets")
def send_to_more_targets(original: Any, rule: Rule, original_event: Any, transform_input: bool = True) -> None:
    if not rule.event_pattern.matches_event(original_event):
        return
    others = copy.copy(rule)
    others.targets = [target for target in rule.targets if parse_arn(target["Arn"]).service in _BY_MOTO]
    original(others, original_event, transform_input)
    for target in rule.targets:
        service = parse_arn(target["Arn"]).service
        if service in _DELIVERIES:
            body = _body(target, original_event, transform=transform_input)
            _deliver(_DELIVERIES[service], target["Arn"], body)
        elif service not in _BY_MOTO:
            print(f"not delivered: event of rule {rule.name} to {target['Arn']}", flush=True)  # noqa: T201 - the process's log


def _body(target: dict[str, Any], event: Any, *, transform: bool) -> str:
    if target.get("Input"):
        return str(target["Input"])
    transformer = target.get("InputTransformer") or {}
    shaped: Any = event
    if transform:
        shaped = EventTemplateParser.parse(
            input_template=transformer.get("InputTemplate", ""),
            input_paths_map=transformer.get("InputPathsMap", {}),
            event=event,
        )
    return shaped if isinstance(shaped, str) else json.dumps(shaped, default=str)


def _deliver(delivery: Callable[[str, str], None], arn: str, body: str) -> None:
    """Deliver; a target that fails is its owner's affair and does not fail the sender, as on AWS."""
    try:
        delivery(arn, body)
    except Exception as failure:  # whatever the target raises
        print(f"not delivered: event to {arn}: {failure!r}", flush=True)  # noqa: T201 - the process's log


def _to_lambda(arn: str, body: str) -> None:
    target = parse_arn(arn)
    get_lambda_backend(target.account, target.region).invoke(arn, None, body, {}, {})


def _to_states(arn: str, body: str) -> None:
    target = parse_arn(arn)
    get_states_backend(target.account, target.region).start_execution(arn, str(uuid.uuid4()), body)


def _to_sns(arn: str, body: str) -> None:
    target = parse_arn(arn)
    sns_backends[target.account][target.region].publish(message=body, arn=arn)


_DELIVERIES: dict[str, Callable[[str, str], None]] = {"lambda": _to_lambda, "states": _to_states, "sns": _to_sns}
