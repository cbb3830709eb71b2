"""The emulator's own pages, below a path that no AWS API uses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import parse_qsl

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Page: TypeAlias = Callable[[Mapping[str, str]], object]
"""Takes the parameters of the query, and returns what the page says, to be written as JSON."""


class Pages:
    """Serves pages by their path; passes every other request on."""

    def __init__(self, app: WSGIApplication, pages: Mapping[str, Page]) -> None:
        self._app = app
        self._pages = pages

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with the page as JSON, or pass the request on."""
        page = self._pages.get(environ.get("PATH_INFO", ""))
        if page is None:
            return self._app(environ, start_response)
        body = json.dumps(page(dict(parse_qsl(environ.get("QUERY_STRING", ""))))).encode()
        start_response("200 OK", [("Content-Type", "application/json")])
        return [body]
