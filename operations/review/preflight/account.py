"""The operator's account as preflight asks it: read-only calls, counted, with the permission each of them needs."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from operations.aws import refuse_no_access

if TYPE_CHECKING:
    from collections.abc import Iterator

    from operations.aws import Aws

MOST_CALLS = 60
"""Calls for one stack; questions beyond that stay unanswered."""
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403"})
_PERMISSIONS = {"s3:HeadBucket": "s3:ListBucket"}
_PREFIXES = {"monitoring": "cloudwatch", "email": "ses"}


class NotAnswered(Exception):
    """AWS gave no answer; the text says why, and which permission is missing."""


class Account:
    """Asks AWS about one stack. Safe to use from several threads."""

    def __init__(self, aws: Aws, *, region: str) -> None:
        self.region = region
        self.calls = 0
        self._aws = aws
        self._guard = threading.Lock()

    def ask(self, service: str, operation: str, *, region: str | None = None, **parameters: Any) -> dict[str, Any]:
        """The answer to one call.

        Raises ClientError for what AWS refuses, NotAnswered when it may not be asked, and NoAccessError when nothing
        may be.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        with self._guard:
            if self.calls >= MOST_CALLS:
                raise NotAnswered(f"the {MOST_CALLS} calls of a stack are used up")
            self.calls += 1
        client = self._aws.client(service, region=region or self.region)
        try:
            answer: dict[str, Any] = getattr(client, operation)(**parameters)
        except ClientError as error:
            refuse_no_access(error)
            if code_of(error) in _DENIED and error.operation_name != "HeadBucket":
                raise NotAnswered(f"these credentials lack {permission(client, error.operation_name)}") from None
            raise
        except BotoCoreError as error:
            refuse_no_access(error)
            raise NotAnswered(f"AWS cannot be reached: {error}") from None
        return answer

    def ask_all(self, service: str, operation: str, key: str, **parameters: Any) -> Iterator[Any]:
        """The items under `key` of every page of an answer; each page counts as a call."""
        token: dict[str, Any] = {}
        while True:
            answer = self.ask(service, operation, **parameters, **token)
            yield from answer.get(key, ())
            token = {name: answer[name] for name in ("NextToken", "Marker") if answer.get(name)}
            if not token:
                return


def code_of(error: Any) -> str:
    """The code of botocore's ClientError."""
    code: str = error.response.get("Error", {}).get("Code", "")
    return code


def permission(client: Any, operation: str) -> str:
    """The IAM action that an operation of a client needs."""
    prefix = client.meta.service_model.signing_name
    action = f"{_PREFIXES.get(prefix, prefix)}:{operation}"
    return _PERMISSIONS.get(action, action)
