"""One operator at a time for what changes a stack outside of Terraform."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from operations.aws import refusals_explained
from operations.state.held_lock import state_locked
from operations.state.status import operator_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from operations.aws import Aws
    from operations.stacks import Stack


@contextmanager
def one_operator(aws: Aws, stack: Stack, operation: str, *, dry_run: bool = False) -> Iterator[None]:
    """Holds a lock beside that of the stack's state while the block runs; Terraform does not look at it.

    `quintet state status` shows it and `quintet state unlock` breaks it, when its holder has died. Nothing is held
    for a dry run, and where HCP Terraform keeps the state. Raises OperatorError, naming the holder, when somebody else
    works on the stack, and for what AWS refuses within the block.
    """
    if dry_run or stack.backend is None:
        yield
        return
    with refusals_explained(), state_locked(aws, operator_place(stack), operation):
        yield
