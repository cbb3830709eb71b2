"""Differences of two versions of a state. No values but of outputs that are not sensitive."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from operations.terraform.documents import State, StateOutput


def resources_of(state: State) -> dict[str, Mapping[str, object]]:
    """Address → attributes of everything the state manages."""
    found: dict[str, Mapping[str, object]] = {}
    for resource in state.get("resources", []):
        if resource.get("mode") != "managed":
            continue
        module = f"{resource['module']}." if "module" in resource else ""
        for instance in resource.get("instances", []):
            index = f"[{json.dumps(instance['index_key'])}]" if "index_key" in instance else ""
            found[f"{module}{resource['type']}.{resource['name']}{index}"] = instance.get("attributes") or {}
    return found


def differences(current: State, wanted: State) -> Iterator[str]:
    """Differences when `wanted` takes the place of `current`, one line each, most serious first.

    Attributes are named without their values: a state does not say reliably which of them are secret.
    """
    now, then = resources_of(current), resources_of(wanted)
    if current and current.get("lineage") != wanted.get("lineage"):
        yield f"lineage: {wanted.get('lineage')} instead of {current.get('lineage')}: the history of another state"
    for address in sorted(now.keys() - then.keys()):
        yield f"- {address}: Terraform would no longer know it"
    for address in sorted(then.keys() - now.keys()):
        yield f"+ {address}: Terraform would know it again"
    for address in sorted(now.keys() & then.keys()):
        before, after = now[address], then[address]
        names = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        if names:
            yield f"~ {address}: {', '.join(names)}"
    old, new = current.get("outputs", {}), wanted.get("outputs", {})
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            yield f"~ output {name}: {_shown(old.get(name))} → {_shown(new.get(name))}"


def _shown(output: StateOutput | None) -> str:
    if output is None:
        return "none"
    return "(sensitive)" if output.get("sensitive") else json.dumps(output["value"], ensure_ascii=False)
