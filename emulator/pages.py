"""The emulator's own pages, below a path that no AWS API uses. All but its status need its secret."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import parse_qsl

from emulator.code_rights import RIGHTS
from emulator.door import forbidden
from emulator.server import SECRET_HEADER, STATUS_PATH

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

Page: TypeAlias = Callable[[Mapping[str, str]], object]
"""Takes the parameters of the query, and returns what the page says, to be written as JSON."""


_OWN = ("/_emulator/", "/moto-api")
"""Beginnings of the emulator's own paths and of moto's, most of which change what every account holds."""
_HEADER = f"HTTP_{SECRET_HEADER.upper().replace('-', '_')}"


class Pages:
    """Serves pages by their path to holders of the secret; passes requests for AWS on."""

    def __init__(self, app: WSGIApplication, pages: Mapping[str, Page]) -> None:
        self._app = app
        self._pages = pages

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer with the page as JSON, refuse, or pass the request on."""
        path = environ.get("PATH_INFO", "")
        if not path.startswith(_OWN):
            return self._app(environ, start_response)
        posted = environ["REQUEST_METHOD"] == "POST"
        if path != STATUS_PATH and not (posted and RIGHTS.is_secret(environ.get(_HEADER, ""))):
            return forbidden(f"{path} takes POST with the emulator's secret in {SECRET_HEADER}.", start_response)
        page = self._pages.get(path)
        if page is None:
            return forbidden(f"the emulator has no page {path}.", start_response)
        body = json.dumps(page(dict(parse_qsl(environ.get("QUERY_STRING", ""))))).encode()
        start_response("200 OK", [("Content-Type", "application/json")])
        return [body]
