"""Connections that stay open from one request to the next, as those to AWS do.

werkzeug closes the connection after each answer, so that every request takes a new connection and a new thread.
Python reads headers with its parser of mails, which was a seventh of a request.
"""

from __future__ import annotations

import http.client
import io
import re
import traceback
from contextvars import Context
from http import HTTPStatus
from typing import IO, TYPE_CHECKING, Any, Final

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.exceptions import ClientDisconnected
from werkzeug.wsgi import LimitedStream

if TYPE_CHECKING:
    from collections.abc import Iterable

_HEADER: Final = re.compile(rb"([!-9;-~]+):[ \t]*([^\r\n]*)\r?\n")
_END: Final = (b"\r\n", b"\n")
_parse_any_headers = http.client.parse_headers
_UNREAD_BYTES: Final = 1_000_000
"""Bytes of a request's body that are read after the answer, so that the client reads the answer and not a reset."""


def parse_headers(
    stream: IO[bytes], _class: type[http.client.HTTPMessage] = http.client.HTTPMessage
) -> http.client.HTTPMessage:
    r"""Headers as `http.client.parse_headers` reads them, to which any that are not plain lines are left.

    >>> parse_headers(io.BytesIO(b"Host: 127.0.0.1\r\n\r\nbody"))["host"]
    '127.0.0.1'
    """
    lines: list[bytes] = http.client._read_headers(stream)  # type: ignore[attr-defined]  # within its limits
    found = [_HEADER.fullmatch(line) for line in lines[:-1]]
    message = _class()
    for header in found:
        if header is None or lines[-1] not in _END:
            return _parse_any_headers(io.BytesIO(b"".join(lines)), _class)
        message.set_raw(header[1].decode("ascii"), header[2].decode("iso-8859-1"))
    return message


class RequestHandler(MotoRequestHandler):
    """Answers the requests of one connection, one after the other, in one thread.

    No request is logged: failures are logged with their action, successes by the client that wants them.
    """

    wbufsize = -1  # one packet for the headers and a short body
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Nothing."""
        del code, size

    def handle_expect_100(self) -> bool:
        """Have the client send its body, now."""
        expected: bool = super().handle_expect_100()
        self.wfile.flush()
        return expected

    def run_wsgi(self) -> None:
        """Answer one request; a client that closes the connection, or sends chunks, has it closed by werkzeug."""
        length = self.headers.get("Content-Length", "0")
        if self.close_connection or "Transfer-Encoding" in self.headers or not length.isdecimal():
            super().run_wsgi()
            return
        self.environ = self.make_environ()
        body = self.environ["wsgi.input"] = LimitedStream(self.rfile, int(length))  # type: ignore[arg-type]  # is only read
        try:
            # a context of its own: nothing that one request was allowed holds for the next
            status, headers, answer = Context().run(self._ask)
        except ClientDisconnected:
            self.close_connection = True
            return
        except Exception:
            print(traceback.format_exc(), flush=True)  # noqa: T201  # standard output is the process's log
            self.send_error(HTTPStatus.INTERNAL_SERVER_ERROR)
            return
        if int(length) - body.tell() > _UNREAD_BYTES:
            headers.append(("Connection", "close"))
        else:
            body.exhaust()
        self._send(status, headers, answer)

    def _ask(self) -> tuple[str, list[tuple[str, str]], bytes]:
        """Status, headers and body of the application's answer."""
        said: tuple[str, list[tuple[str, str]]] = "", []

        def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            nonlocal said
            del exc_info
            said = status, list(headers)
            return written.append

        written: list[bytes] = []
        parts: Iterable[bytes] = self.server.app(self.environ, start_response)
        try:
            written.extend(parts)
        finally:
            if hasattr(parts, "close"):
                parts.close()
        return *said, b"".join(written)

    def _send(self, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
        code, _, phrase = status.partition(" ")
        self.send_response(int(code), phrase)
        for name, value in headers:
            self.send_header(name, value)
        bodiless = self.command == "HEAD" or code.startswith("1") or code in ("204", "304")
        if not bodiless and not any(name.lower() == "content-length" for name, _ in headers):
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if not bodiless:
            self.wfile.write(body)
