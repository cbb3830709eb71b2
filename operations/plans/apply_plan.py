"""The one way a plan is applied, and what is named when it does not end well: lock, unsaved state, leftovers."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from operations.errors import OperatorError
from operations.review.adoption import look_up
from operations.review.orphans import find_orphans
from operations.state.difference import resources_of
from operations.state.errored_state import ERRORED, read_state
from operations.state.status import current_state, locks_of
from operations.terraform.processes import RunInterruptedError
from operations.terraform.terraform import StateLockedError
from operations.terraform.under_way import OUTPUT

if TYPE_CHECKING:
    from pathlib import Path

    from operations.aws import Aws
    from operations.stacks import Stack
    from operations.terraform.terraform import PlanResult, Terraform

_CREATES = ("create", "replace")


def apply_plan(terraform: Terraform, plan: PlanResult, *, stack: Stack, aws: Aws, say: Callable[[str], None]) -> None:
    """Apply `plan`. Where that fails or is interrupted, name what it may have left behind.

    The names are added to the error, or given to `say` when the run was stopped. Raises what Terraform.apply raises.
    """
    try:
        terraform.apply(plan)
    except StateLockedError:
        raise  # somebody else's apply; nothing was begun
    except OperatorError as error:
        error.message = "\n".join([error.message, *left_behind(aws, stack, terraform.directory, plan.planned)])
        raise
    except (KeyboardInterrupt, RunInterruptedError):
        for line in left_behind(aws, stack, terraform.directory, plan.planned):
            say(line)
        raise


def left_behind(aws: Aws, stack: Stack, directory: Path, planned: Sequence[tuple[str, str]]) -> list[str]:
    """Lines that name the lock, a state that could not be saved, and resources that may exist without being in a state.

    `directory` is where Terraform worked; `planned` is each change as (address, action).
    """
    if stack.backend is None:
        return [f"{stack.name}: look at the run in HCP Terraform, which keeps its state."]
    lines = []
    if (directory / ERRORED).is_file():
        lines.append(f"The state could not be saved; it is kept in {directory / ERRORED}.")
        lines.append(f"Save it before anything else: quintet state push {stack.name}")
    try:
        for lock in locks_of(aws, stack):
            lines.append(f"The state is locked: {lock.describe()} (lock {lock.id}).")
            lines.append(f"If nobody works on it any more: quintet state unlock {stack.name}")
        lines += _say(stack, list(_unrecorded(aws, stack, directory, planned)))
    except OperatorError as error:
        lines.append(f"What exists without being in the state could not be looked up: {error}")
    return lines


@dataclass(frozen=True)
class Unrecorded:
    """A resource that no state knows, and the ids AWS may know it by; none where it cannot be looked up."""

    address: str
    ids: tuple[str, ...]


def _unrecorded(aws: Aws, stack: Stack, directory: Path, planned: Sequence[tuple[str, str]]) -> Iterator[Unrecorded]:
    creates = {address for address, action in planned if action in _CREATES}
    known: dict[str, Mapping[str, object]] = {}
    for state in (current_state(aws, stack), read_state(directory / ERRORED)):
        known |= resources_of(state)
    ids = {str(value) for attributes in known.values() for value in (attributes.get("id"), attributes.get("arn"))}
    progress = _Progress.read(directory / OUTPUT)
    missing = creates - known.keys()
    found = {each.address: each.ids for each in look_up(aws, stack, only=missing)}
    begun = {address for address in missing - found.keys() if progress.may_have_begun(address)}
    found |= find_orphans(aws, stack, begun, known=known, found=found)
    for address in sorted(creates):
        candidates = [id_ for id_ in found.get(address, ()) if id_ not in ids]
        completed = progress.completed.get(address)
        if candidates:
            yield Unrecorded(address, tuple(candidates))
        elif completed is not None and completed not in ids:
            yield Unrecorded(address, (completed,))
        elif address in missing and address not in found and progress.may_have_begun(address):
            yield Unrecorded(address, ())


@dataclass(frozen=True)
class _Progress:
    """Resources that an apply has begun by its output, and the ids of what was created; `whole` when it has an end."""

    begun: Collection[str]
    completed: Mapping[str, str]
    whole: bool

    @classmethod
    def read(cls, output: Path) -> _Progress:
        begun: set[str] = set()
        completed: dict[str, str] = {}
        whole = False
        with suppress(OSError):
            for line in output.read_text(encoding="utf-8", errors="replace").splitlines():
                with suppress(ValueError, KeyError, TypeError):
                    message = json.loads(line)
                    whole = message["type"] in ("change_summary", "diagnostic")
                    hook = message.get("hook", {})
                    if hook.get("action") != "create":
                        continue
                    address = hook["resource"]["addr"]
                    if message["type"] == "apply_start":
                        begun.add(address)
                    elif message["type"] == "apply_complete" and hook.get("id_value"):
                        completed[address] = hook["id_value"]
        return cls(begun, completed, whole)

    def may_have_begun(self, address: str) -> bool:
        """False when the output is whole and does not speak of it."""
        return address in self.begun or not self.whole


def _say(stack: Stack, unrecorded: Sequence[Unrecorded]) -> list[str]:
    found = [each for each in unrecorded if each.ids]
    hidden = [each.address for each in unrecorded if not each.ids]
    lines = []
    if found:
        lines.append("These exist, and the state does not know them; import them, or delete them by hand:")
        lines += [_import_block(each.address, id_) for each in found for id_ in each.ids]
        settings = f"deployments/{stack.deployment.replace('-', '_')}/environments/{stack.environment}.toml"
        lines.append(f"The import blocks come from [adopt] in {settings}: quintet adopt {stack.name}")
    if hidden:
        lines.append(f"These were begun and cannot be looked up by a name; look yourself: {', '.join(hidden)}")
    return lines


def _import_block(address: str, id_: str) -> str:
    return f"import {{\n  to = {address}\n  id = {json.dumps(id_)}\n}}"
