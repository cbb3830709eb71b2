"""A proxy before the emulator that spoils a share of its answers, as AWS and networks do now and then."""

from __future__ import annotations

import http.client
import json
import random
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape

_THROTTLED = b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'
_EC2 = "2016-11-15"
"""The API version by which EC2's calls are known; its errors have a form of their own."""
_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "keep-alive", "host"}


def _nobody() -> None:
    """Stands where a server is started and ended, until there is one."""


class Faults:
    """A fault of answers: `kind` with the probability `share`."""

    def __init__(self, chance: random.Random) -> None:
        self.endpoint = ""
        self._chance = chance
        self._kind = ""
        self._share = 0.0
        self._refused: Mapping[str, tuple[str, str]] = {}
        self.spoiled = 0
        self.listen: Callable[[], None] = _nobody
        self.leave: Callable[[], None] = _nobody

    @contextmanager
    def refusing(self, refused: Mapping[str, tuple[str, str]]) -> Iterator[None]:
        """Refusals while the block runs: action → error code and message. Of the query and JSON protocols only."""
        self._refused = refused
        try:
            yield
        finally:
            self._refused = {}

    def refusal(self, target: str, body: bytes) -> tuple[str, bytes] | None:
        """Content type and body of the refusal of a call; None for a call that is not refused."""
        query = parse_qs(body.decode("utf-8", errors="replace")) if not target else {}
        action = target.rpartition(".")[2] or query.get("Action", [""])[0]
        if action not in self._refused:
            return None
        self.spoiled += 1
        code, message = self._refused[action]
        if target:
            return "application/x-amz-json-1.1", json.dumps({"__type": code, "message": message}).encode()
        error = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
        if query.get("Version", [""])[0] == _EC2:
            return "text/xml", f"<Response><Errors>{error}</Errors><RequestID>r</RequestID></Response>".encode()
        return "text/xml", f"<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>".encode()

    @contextmanager
    def happening(self, kind: str, *, share: float) -> Iterator[None]:
        """Faults while the block runs: `500`, `503`, `throttling`, `reset` or `half`."""
        self._kind, self._share = kind, share
        try:
            yield
        finally:
            self._kind = ""

    @contextmanager
    def gone(self) -> Iterator[None]:
        """Nobody listens while the block runs, and connections that are open break off."""
        with self.happening("reset", share=1):
            self.leave()
            yield
            self.listen()

    def next(self) -> str:
        """The fault of the next answer; empty for none."""
        if not self._kind or self._chance.random() >= self._share:
            return ""
        self.spoiled += 1
        return self._kind


@contextmanager
def faulty_proxy(target: str, chance: random.Random) -> Iterator[Faults]:
    """A proxy to `target` on a port of its own, for as long as the block runs."""
    faults = Faults(chance)
    host = urlsplit(target).netloc

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            if refusal := faults.refusal(self.headers.get("X-Amz-Target", ""), body):
                self._answer(403, {"Content-Type": refusal[0]}, refusal[1])
                return
            fault = faults.next()
            if fault == "reset":  # before it was carried out; `half` is after
                self.close_connection = True
                return
            if fault in ("500", "503"):
                self._answer(int(fault), {"Content-Type": "text/html"}, b"<html>no luck</html>")
                return
            if fault == "throttling":
                headers = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": "ThrottlingException"}
                self._answer(400, headers, _THROTTLED)
                return
            connection = http.client.HTTPConnection(host, timeout=60)
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            connection.request(self.command, self.path, body, {**headers, "Content-Length": str(len(body))})
            answer = connection.getresponse()
            content = answer.read()
            kept = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP}
            connection.close()
            if self.command == "HEAD":
                kept["Content-Length"] = answer.getheader("Content-Length") or "0"
            self._answer(answer.status, kept, content, cut=fault == "half")

        def _answer(self, status: int, headers: dict[str, str], content: bytes, *, cut: bool = False) -> None:
            self.send_response_only(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if cut else content)
            self.close_connection = self.close_connection or cut

        def log_message(self, *_: object) -> None:
            return

    for method in ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"):
        setattr(Handler, f"do_{method}", Handler.answer)
    port = 0

    def listen() -> None:
        nonlocal port
        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        server.daemon_threads = True
        port = server.server_address[1]
        threading.Thread(target=server.serve_forever, daemon=True).start()

        def leave() -> None:
            server.shutdown()
            server.server_close()

        faults.leave = leave

    faults.listen = listen
    listen()
    faults.endpoint = f"http://127.0.0.1:{port}"
    try:
        yield faults
    finally:
        faults.leave()
