"""The right to run code: access keys that contain the emulator's secret have it, and keys that were made with them.

A plain account id is an access key that anybody can guess. It selects its account, and reads and writes there.
It starts no function, state machine, task or statement, and functions whose code or settings it wrote never run.
"""

from __future__ import annotations

import hmac
import re
from contextvars import ContextVar
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from emulator.call import Refusal

if TYPE_CHECKING:
    from emulator.call import Call

_ACCOUNT_KEY: Final = re.compile(r"(?P<account_id>\d{12})(?P<secret>.*)", re.DOTALL)
_caller_may: ContextVar[bool] = ContextVar("caller_may_run_code", default=False)


class CodeRights:
    """The emulator's secret, and the keys that were made by callers who know it."""

    def __init__(self) -> None:
        self._secret = ""
        self._made: set[str] = set()

    def use(self, secret: str) -> None:
        """Take the secret of this process."""
        self._secret = secret

    def is_secret(self, text: str) -> bool:
        """Compare in constant time; nothing is the secret before there is one."""
        return bool(self._secret) and hmac.compare_digest(text.encode(), self._secret.encode())

    def include(self, access_key_id: str) -> None:
        """Give the right to a key of a role or user."""
        self._made.add(access_key_id)

    def check_key(self, call: Call) -> None:
        """The stage of the pipeline: refuses the secret of another emulator, and remembers what the caller may do."""
        access_key = call.signature.access_key if call.signature else ""
        found = _ACCOUNT_KEY.fullmatch(access_key)
        secret = found["secret"] if found else ""
        if secret and not self.is_secret(secret):
            message = 'The access key is of another emulator. Type: eval "$(quintet emulator env)"'
            raise Refusal("InvalidClientTokenId", message, status=HTTPStatus.FORBIDDEN)
        _caller_may.set(bool(secret) or access_key in self._made)


RIGHTS: Final = CodeRights()
"""Those of this process."""


def caller_may_run_code() -> bool:
    """The right of the caller of the request at hand; False outside of requests."""
    return _caller_may.get()


def require(what: str, *, written_with_the_secret: bool = True) -> None:
    """Raises Refusal unless the caller may run code and `what` was written by callers who may."""
    if not caller_may_run_code():
        reason = "was started with an access key without the emulator's secret"
    elif not written_with_the_secret:
        reason = "was written with an access key without the emulator's secret"
    else:
        return
    print(f"not run: {what} {reason}", flush=True)  # noqa: T201 - the process's log
    message = f'{what} {reason}, so it does not run. Type: eval "$(quintet emulator env)"'
    raise Refusal("AccessDeniedException", message, status=HTTPStatus.FORBIDDEN)


def written_with_the_secret(written: Any) -> bool:
    """The mark that `mark` left on a function or layer; False without one."""
    return bool(getattr(written, "written_with_the_secret", False))


def mark(written: Any, *, first: bool = False) -> None:
    """Mark a function or layer as it is created (`first`) or changed; one change without the secret is enough."""
    before = first or written_with_the_secret(written)
    written.written_with_the_secret = before and caller_may_run_code()
