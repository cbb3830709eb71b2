"""The states that trials began: only a state that is as a trial left it may be gone on with, or destroyed."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from operations.aws import Aws
from operations.errors import OperatorError
from operations.stacks import Stack
from operations.state.difference import resources_of
from operations.state.status import current_state
from operations.terraform.documents import State


class StateMark(BaseModel):
    """Lineage and serial of a state."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    lineage: str
    serial: int


def require_own_state(root: Path, aws: Aws, stack: Stack) -> int:
    """The number of resources that an earlier trial left; 0 for a stack that nobody has applied.

    Raises OperatorError when the state manages anything and is not as a trial of this checkout left it.
    """
    state = current_state(aws, stack)
    number = len(resources_of(state))
    if number and _mark(state) != _read(_file(root, stack)):
        raise OperatorError(
            f"{stack.name} is applied: its state manages {number} resources that no trial of this checkout left so. "
            "A trial ends by destroying everything.",
            hint="Try a new environment: quintet new environment NAME. To be rid of the stack: quintet destroy",
        )
    return number


def remember(root: Path, aws: Aws, stack: Stack) -> None:
    """Write down the state as the trial leaves it, for `require_own_state`.

    To be called after a change that the trial itself has made under the state's lock, and never otherwise.
    """
    state = current_state(aws, stack)
    file = _file(root, stack)
    if not resources_of(state):
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.write_text(_mark(state).model_dump_json(), encoding="utf-8")


def standing(aws: Aws, stack: Stack) -> list[str]:
    """The addresses of what the state manages."""
    return sorted(resources_of(current_state(aws, stack)))


def _file(root: Path, stack: Stack) -> Path:
    return root / ".runs" / "trials" / f"{stack.name}.json"


def _read(file: Path) -> StateMark | None:
    with suppress(OSError, ValidationError):
        return StateMark.model_validate_json(file.read_text(encoding="utf-8"))
    return None


def _mark(state: State) -> StateMark:
    return StateMark(lineage=state.get("lineage", ""), serial=state.get("serial", 0))
