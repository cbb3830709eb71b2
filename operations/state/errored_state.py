"""States that Terraform could not save, kept until they are pushed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from operations.errors import OperatorError
from operations.terraform.documents import State

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from operations.stacks import Stack
    from operations.terraform.terraform import Terraform

ERRORED = "errored.tfstate"
"""How Terraform calls such a file, in the directory it works in."""


def errored_states(root: Path, stack: Stack) -> Iterator[Path]:
    """The states of `stack` that could not be saved, the newest first."""
    found = [*(root / ".runs").glob(f"*/{stack.name}/{ERRORED}"), *stack.folder.glob(ERRORED)]
    yield from sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)


def read_state(file: Path) -> State:
    """The state in a file; empty when there is none."""
    try:
        state: State = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return state if isinstance(state, dict) else State()


def push_errored_state(stack: Stack, terraform: Terraform, file: Path) -> int:
    """Save the state in `file`, by Terraform, and remove the file; the serial.

    Raises OperatorError for a file that is no state, TerraformError when the stack's state is another one or newer.
    """
    state = read_state(file)
    if "lineage" not in state:
        raise OperatorError(f"{file} is not a state of Terraform.", hint=f"See: quintet state versions {stack.name}")
    terraform.init()
    terraform.state_push(file)
    saved = terraform.state_pull()
    if saved.get("lineage") != state["lineage"] or saved.get("serial", 0) < state.get("serial", 0):
        raise OperatorError(f"{file} was pushed and yet is not the state of {stack.name}; it is kept.")
    file.unlink()
    return int(saved["serial"])
