"""Secrets without a value, for which a host waits while it boots and then ends itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

_FILLED_BY = {"attachments_key": "rotate-storage-key", "login": "database-login", "smtp": "smtp-login NAME"}
"""Role of a secret → the command of `quintet aquamark` that gives it a value."""


def empty_secrets(
    declared: Iterable[tuple[str, Mapping[str, Any]]], describe: Callable[[str], Mapping[str, Any]], environment: str
) -> Iterator[tuple[str, str]]:
    """Name of each secret without a value, and the command that fills it; `declared` are those of the stack."""
    for address, body in declared:
        try:
            filled = bool(describe(body["name"]).get("VersionIdsToStages"))
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFoundException":
                raise
            filled = False
        if not filled:
            yield body["name"], f"quintet aquamark {_FILLED_BY[address.rpartition('.')[2]]} --environment {environment}"
