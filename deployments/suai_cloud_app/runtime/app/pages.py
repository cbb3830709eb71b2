"""The web interface: which path answers what."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

from .checks.failure import CheckError
from .log import Redaction, tail

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_INDEX = """<!DOCTYPE html>
<html lang="en">
<head><meta charset="utf-8"><title>suaicloudapp</title></head>
<body>
<h1>suaicloudapp</h1>
<ul>
{links}
</ul>
</body>
</html>
"""
_log = logging.getLogger("suaicloudapp")


class _Answer(NamedTuple):
    status: HTTPStatus
    text: str
    content_type: str = "text/plain; charset=utf-8"


class CheckPages:
    """The WSGI application: `/`, one page for each check, `/health` and `/logs`."""

    def __init__(self, checks: Mapping[str, Callable[[], None]], *, directory: Path, redact: Redaction) -> None:
        """`checks` by page name, `directory` holds the log, `redact` cleans causes and log lines."""
        self._checks = checks
        self._directory = directory
        self._redact = redact

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO", "/")
        answer = self._answer(method, path)
        body = answer.text.encode()
        headers = [
            ("Content-Type", answer.content_type),
            ("Content-Length", str(len(body))),
            ("Cache-Control", "no-store"),
            ("X-Content-Type-Options", "nosniff"),
        ]
        if answer.status is HTTPStatus.METHOD_NOT_ALLOWED:
            headers.append(("Allow", "GET, HEAD"))
        start_response(f"{answer.status.value} {answer.status.phrase}", headers)
        return [] if method == "HEAD" else [body]

    def _answer(self, method: str, path: str) -> _Answer:
        if method not in {"GET", "HEAD"}:
            return _Answer(HTTPStatus.METHOD_NOT_ALLOWED, "Only GET and HEAD are allowed.\n")
        name = path.strip("/")
        if name == "health":
            return _Answer(HTTPStatus.OK, "healthy")
        if name == "":
            return _Answer(HTTPStatus.OK, self._index(), "text/html; charset=utf-8")
        if name == "logs":
            return _Answer(HTTPStatus.OK, self._redact(tail(self._directory)))
        if name in self._checks:
            return self._check(name)
        return _Answer(HTTPStatus.NOT_FOUND, f"There is no such page; there are: {', '.join(self._paths())}\n")

    def _check(self, name: str) -> _Answer:
        try:
            self._checks[name]()
        except CheckError as error:
            _log.warning("/%s failed: %s", name, error)
            return _Answer(HTTPStatus.SERVICE_UNAVAILABLE, self._redact(f"{error}\n"))
        except Exception as error:
            _log.exception("/%s failed in a way it should not", name)
            return _Answer(HTTPStatus.SERVICE_UNAVAILABLE, self._redact(f"{type(error).__name__}: {error}\n"))
        _log.info("/%s OK", name)
        return _Answer(HTTPStatus.OK, "OK")

    def _paths(self) -> list[str]:
        return [f"/{name}" for name in (*self._checks, "health", "logs")]

    def _index(self) -> str:
        links = "\n".join(f'<li><a href="{path}">{path}</a></li>' for path in self._paths())
        return _INDEX.format(links=links)
