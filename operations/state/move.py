"""The move of a stack's state to the key that begins with its environment."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from operations.aws import Aws, check_account, refusals_explained
from operations.errors import OperatorError
from operations.state.belonging import former_place, owner_of
from operations.state.difference import resources_of
from operations.state.digest import md5
from operations.state.held_lock import state_locked
from operations.state.lock_table import KEY
from operations.state.status import read_document, require_place, state_content

if TYPE_CHECKING:
    from operations.stacks import Stack


@dataclass(frozen=True)
class StateMove:
    """A state that can be moved: the stack, the stack as it was, and what the state holds."""

    stack: Stack
    former: Stack
    serial: int
    resources: int
    owner: str
    """The stack it belongs to by its tags; empty where no tag says it."""


def plan_move(aws: Aws, stack: Stack) -> StateMove | None:
    """The move of `stack`; None when there is nothing at the former key, or it was moved already.

    Raises OperatorError when the former key holds another stack's state, or both keys hold one.
    """
    former = former_place(stack)
    with refusals_explained():
        check_account(aws, stack.account_id, region=stack.state.region)
        require_place(aws, stack)
        content = state_content(aws, former)
        if content is None:
            return None
        state, problem = read_document(content)
        present = state_content(aws, stack)
    if problem:
        raise OperatorError(f"s3://{former.state.bucket}/{former.state.key} is of no use: {problem}.")
    owner = owner_of(state)
    if owner not in (None, (stack.deployment, stack.environment)):
        raise OperatorError(f"s3://{former.state.bucket}/{former.state.key} is the state of {'-'.join(owner or ())}.")
    if present is not None:
        if read_document(present)[0].get("lineage") == state["lineage"]:
            return None
        raise OperatorError(
            f"{stack.state.key} and {former.state.key} both hold a state, with different histories; none was moved.",
            hint=f"See which is right: quintet state versions {stack.name}",
        )
    return StateMove(stack, former, state["serial"], len(resources_of(state)), "-".join(owner or ()))


def move(aws: Aws, planned: StateMove) -> None:
    """Copy the state under both locks, with its digest, and read it back.

    The former one is kept, and so is its lock, which tells whoever still looks there: a checkout from before would
    build on it. Safe to run again when it was interrupted. Raises OperatorError when somebody holds either lock.
    """
    stack, former = planned.stack, planned.former
    moved = f"moved to {stack.state.key}"
    with refusals_explained(), state_locked(aws, former, moved, stays=True), state_locked(aws, stack, "move"):
        content = state_content(aws, former)
        if content is None or state_content(aws, stack) is not None:
            raise OperatorError("A state has changed meanwhile; nothing was moved.", hint="Look at it again.")
        s3 = aws.client("s3", region=stack.state.region)
        s3.put_object(
            Bucket=stack.state.bucket, Key=stack.state.key, ExpectedBucketOwner=stack.account_id,
            Body=content, ContentType="application/json", ServerSideEncryption="AES256",
        )  # fmt: skip
        if stack.state.lock_table:
            item = {KEY: {"S": f"{stack.state.lock_id}-md5"}, "Digest": {"S": md5(content)}}
            dynamodb = aws.client("dynamodb", region=stack.state.region)
            dynamodb.put_item(TableName=stack.state.lock_table, Item=item)
        if state_content(aws, stack) != content:
            raise OperatorError(f"{stack.state.key} is not what was written; the former state is untouched.")
