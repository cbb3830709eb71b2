"""Deduplicates SDK retries by invocation id."""

from __future__ import annotations

import threading
from collections import OrderedDict
from concurrent.futures import Future
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

REMEMBERED = 2000
"""How many answers are kept: far more than are given between two attempts at one request."""

_LARGEST_BYTES = 1_000_000
_HARMLESS = ("GET", "HEAD")
_SERVER_ERROR = 500


class Answer(NamedTuple):
    """A whole response."""

    status: str
    headers: list[tuple[str, str]]
    body: bytes


class Replays:
    """Repeats its answer to a request that arrives again with the same invocation id, unless it was a server error.

    SDKs repeat a request when the connection broke before the answer arrived. AWS mostly recognises that; moto does it
    twice, so that a lock just taken is "held by somebody else" and a security group just made "exists already".
    """

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app
        self._guard = threading.Lock()
        self._answers: OrderedDict[str, Future[Answer | None]] = OrderedDict()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer from memory, or pass the request on and remember what comes back."""
        invocation = environ.get("HTTP_AMZ_SDK_INVOCATION_ID", "")
        if not invocation or environ["REQUEST_METHOD"] in _HARMLESS:
            return self._app(environ, start_response)
        ours: Future[Answer | None] = Future()
        with self._guard:
            earlier = self._answers.get(invocation)
            self._answers[invocation] = ours
            if len(self._answers) > REMEMBERED:
                self._answers.popitem(last=False)
        remembered: Answer | None = None
        try:
            # The first attempt may still be worked on: its answer is waited for.
            answer = (earlier.result() if earlier else None) or self._ask(environ)
            if int(answer.status.split()[0]) < _SERVER_ERROR and len(answer.body) <= _LARGEST_BYTES:
                remembered = answer
        finally:
            ours.set_result(remembered)
        start_response(answer.status, answer.headers)
        return [answer.body]

    def _ask(self, environ: WSGIEnvironment) -> Answer:
        from werkzeug.test import run_wsgi_app

        body, status, headers = run_wsgi_app(self._app, environ, buffered=True)
        return Answer(status, list(headers), b"".join(body))
