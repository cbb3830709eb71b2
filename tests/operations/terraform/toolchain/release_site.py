"""A local HTTP server that plays HashiCorp's release site or the provider registry."""

from __future__ import annotations

import hashlib
import io
import threading
import zipfile
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Site:
    """Served files: bodies by path, and how often each path was asked for."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}
        self.broken_off: set[str] = set()
        self.asked: list[str] = []
        self.url = ""

    def publish_terraform(self, version: str, platform: str, executable: bytes) -> str:
        """Put a release on the site as HashiCorp does; returns the archive's SHA-256."""
        name = f"terraform_{version}_{platform}.zip"
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as opened:
            opened.writestr("LICENSE.txt", "licence")
            opened.writestr("terraform", executable)
        digest = hashlib.sha256(archive.getvalue()).hexdigest()
        self.bodies[f"/terraform/{version}/{name}"] = archive.getvalue()
        self.bodies[f"/terraform/{version}/terraform_{version}_SHA256SUMS"] = (
            f"{'0' * 64}  terraform_{version}_plan9_mips.zip\n{digest}  {name}\n".encode()
        )
        return digest


@contextmanager
def serving() -> Iterator[Site]:
    """A site on a free loopback port until the end of the block."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            body = site.bodies.get(self.path)
            self.send_response(200 if body is not None else 404)
            self.send_header("Content-Length", str(len(body or b"")))
            self.end_headers()
            if body is not None:
                self.wfile.write(body[: len(body) // 2] if self.path in site.broken_off else body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (the base class names it so)
            """Keep the test's output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield site
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
