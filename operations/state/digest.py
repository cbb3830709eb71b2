"""The digest of a state in the lock table, without which Terraform refuses to work with a state that changed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from operations.aws import Aws, check_account, refusals_explained
from operations.errors import OperatorError
from operations.state.held_lock import state_locked
from operations.state.lock_table import KEY
from operations.state.status import read_document, recorded_digest, state_content

if TYPE_CHECKING:
    from operations.stacks import Stack


def what_digest_needs(aws: Aws, stack: Stack) -> str | None:
    """One sentence: the change that makes the digest fit; None where it fits, or where there is no lock table.

    Raises OperatorError for credentials of another account, and for a state that no digest could make fit to be used.
    """
    with refusals_explained():
        check_account(aws, stack.account_id, region=stack.state.region)
        content, digest = state_content(aws, stack), recorded_digest(aws, stack.state)
        if content is None:
            gone = f"The state of {stack.name} is gone; its digest would be removed: the next apply creates everything."
            return gone if digest is not None else None
        if problem := read_document(content)[1]:
            raise OperatorError(
                f"The state of {stack.name} is of no use: {problem}.",
                hint=f"Restore a version that is sound: quintet state versions {stack.name}",
            )
        fits = digest in (None, md5(content))
        return None if fits else f"The digest {digest} would become that of the state as it is, {md5(content)}."


def fit_digest(aws: Aws, stack: Stack) -> None:
    """Make the digest fit, under the lock. Raises OperatorError when somebody else holds the lock."""
    with refusals_explained(), state_locked(aws, stack, "digest"):
        table = stack.state.lock_table
        if table is None:
            return  # only the table has digests
        content = state_content(aws, stack)
        key = {KEY: {"S": f"{stack.state.lock_id}-md5"}}
        dynamodb = aws.client("dynamodb", region=stack.state.region)
        if content is None:
            dynamodb.delete_item(TableName=table, Key=key)
        else:
            dynamodb.put_item(TableName=table, Item={**key, "Digest": {"S": md5(content)}})


def md5(content: bytes) -> str:
    """The digest as Terraform has it."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
