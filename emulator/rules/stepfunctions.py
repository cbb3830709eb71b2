"""Step Functions: a definition leads from its first state to an end, by states that exist.

Source: Amazon States Language (states-language.net), transitions and terminal states; Step Functions API Reference,
CreateStateMachine (2026-11-28).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from emulator.call import Refusal
from emulator.rules.rule import Rules
from emulator.rules.trust import can_be_assumed

if TYPE_CHECKING:
    from emulator.call import Call

RULES = Rules("stepfunctions")

_ENDS = ("Succeed", "Fail")
_SERVICE = "states.amazonaws.com"


@RULES.on("CreateStateMachine", "UpdateStateMachine")
def every_transition_has_a_target(call: Call) -> None:
    try:
        definition = json.loads(call.parameters.get("definition", "{}"))
    except ValueError as error:
        raise _invalid(f"INVALID_JSON_DESCRIPTION: {error}") from error
    if definition:
        for problem in _problems(definition, ""):
            raise _invalid(f"SCHEMA_VALIDATION_FAILED: {problem}")


@RULES.on("CreateStateMachine", "UpdateStateMachine")
def the_role_lets_the_service_in(call: Call) -> None:
    role = call.parameters.get("roleArn")
    if role and not can_be_assumed(role, _SERVICE):
        raise Refusal(
            "AccessDeniedException",
            f"Neither the global service principal {_SERVICE}, nor the regional one is authorized to assume the"
            " provided role.",
        )


def _problems(machine: Mapping[str, Any], path: str) -> Iterator[str]:
    states = machine.get("States") or {}
    if machine.get("StartAt") not in states:
        yield f"MISSING_TRANSITION_TARGET: Missing 'StartAt' target: {machine.get('StartAt')} at {path}/StartAt"
    reached = {machine.get("StartAt")}
    for name, state in states.items():
        here = f"{path}/States/{name}"
        targets = dict(_targets(state))
        for place, target in targets.items():
            if target not in states:
                yield f"MISSING_TRANSITION_TARGET: Missing 'Next' target: {target} at {here}/{place}"
        reached |= set(targets.values())
        if "Next" not in state and not state.get("End") and state.get("Type") not in (*_ENDS, "Choice"):
            yield f"MISSING_END_STATE: Neither Next nor End at {here}"
        for inner in (*state.get("Branches", ()), state.get("ItemProcessor"), state.get("Iterator")):
            if inner:
                yield from _problems(inner, here)
    yield from (f"UNREACHABLE_STATE: {name} at {path}/States" for name in states if name not in reached)


def _targets(state: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name in ("Next", "Default"):
        if name in state:
            yield name, state[name]
    for list_name in ("Choices", "Catch"):
        for number, rule in enumerate(state.get(list_name, ())):
            if "Next" in rule:
                yield f"{list_name}[{number}]/Next", rule["Next"]


def _invalid(problem: str) -> Refusal:
    return Refusal("InvalidDefinition", f"Invalid State Machine Definition: '{problem}'")
