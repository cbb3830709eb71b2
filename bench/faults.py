"""A proxy before the emulator that spoils a share of its answers, as AWS and networks do now and then."""

from __future__ import annotations

import http.client
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

_THROTTLED = b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'
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
        self.spoiled = 0
        self.listen: Callable[[], None] = _nobody
        self.leave: Callable[[], None] = _nobody

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
