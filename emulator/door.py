"""The door: refuses what a web page sends, before anything reads the request.

A page of any site can send requests to programs on the reader's machine. Its browser names the page in Origin and
Sec-Fetch-Site, and a site whose name was made to resolve to this machine (DNS rebinding) in Host.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_OWN_HOST: Final = re.compile(r"(?:127\.0\.0\.1|(?:[a-z0-9._-]+\.)?localhost)(?::\d{1,5})?", re.IGNORECASE)
"""Names that no DNS server answers for; a bucket's name may stand in front of `localhost`."""
_OWN_SITES: Final = frozenset({"same-origin", "none"})
"""Values of Sec-Fetch-Site for pages of the emulator itself and for addresses that a person typed."""


class Door:
    """Answers 403 to requests of foreign pages, and allows no page to read an answer (CORS)."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Refuse, or pass the request on and remove CORS headers from the answer."""
        reason = foreign(environ)
        if reason:
            print(f"refused at the door: {reason}", flush=True)  # noqa: T201 - the process's log
            return forbidden(reason, start_response)

        def without_cors(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            kept = [(name, value) for name, value in headers if not name.lower().startswith("access-control-")]
            return start_response(status, kept, *more)

        return self._app(environ, without_cors)


def foreign(environ: WSGIEnvironment) -> str:
    """The header by which the request is a foreign page's, and its value; empty when it is a program's."""
    host = environ.get("HTTP_HOST", "")
    if not _OWN_HOST.fullmatch(host):
        return f"the header Host is {host!r}; the emulator answers as 127.0.0.1 and localhost."
    origin = environ.get("HTTP_ORIGIN")
    if origin is not None and origin != f"http://{host}":
        return f"the header Origin is {origin!r}; the emulator answers no web page."
    site = environ.get("HTTP_SEC_FETCH_SITE")
    if site is not None and site not in _OWN_SITES:
        return f"the header Sec-Fetch-Site is {site!r}; the emulator answers no web page."
    return ""


def forbidden(reason: str, start_response: StartResponse) -> Iterable[bytes]:
    """An answer with status 403 that says why."""
    status = HTTPStatus.FORBIDDEN
    start_response(f"{status.value} {status.phrase}", [("Content-Type", "text/plain; charset=utf-8")])
    return [f"Refused: {reason}\n".encode()]
