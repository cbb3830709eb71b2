"""`quintet suai check`: what is made of the pages of a running application."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from deployments.suai_cloud_app.day2.pages import address
from operations import cli

WELL = {
    "/": (200, "<!DOCTYPE html>\n<h1>suaicloudapp</h1>"),
    "/health": (200, "healthy"),
    "/database": (200, "OK"),
    "/redis": (200, "OK"),
    "/s3": (200, "OK"),
    "/dynamodb": (200, "OK"),
}
Answers = Mapping[str, tuple[int, str]]
Serve = Callable[..., str]
Check = Callable[..., tuple[int, str, str]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """`serve({path: (status, text)}, hanging=…, dripping=…)` starts a server and returns its URL."""
    servers: list[ThreadingHTTPServer] = []
    released = threading.Event()

    def start(answers: Answers, *, hanging: tuple[str, ...] = (), dripping: tuple[str, ...] = ()) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path in hanging:
                    released.wait()
                    return
                if self.path in dripping:
                    self.drip()
                    return
                status, text = answers[self.path]
                body = text.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def drip(self) -> None:
                self.send_response(200)
                self.end_headers()
                while not released.wait(0.05):
                    try:
                        self.wfile.write(b"O")
                    except OSError:
                        return

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append(server)
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_port}"

    yield start
    released.set()
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    """`check(URL, …)` runs the command line and returns exit code, output and errors."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    def run(*arguments: str) -> tuple[int, str, str]:
        code = cli.run(["suai", "check", *arguments])
        return code, *capsys.readouterr()

    return run


def row(out: str, page: str) -> list[str]:
    """The cells of a page's line in the table."""
    rows = [re.split(r" {2,}", line.strip()) for line in out.splitlines() if line.startswith("/")]
    return next(cells for cells in rows if cells[0] == page)


def test_pages_that_answer_as_documented_are_exit_code_0(serve: Serve, check: Check) -> None:
    code, out, err = check(serve(WELL))
    assert (code, err) == (0, "")
    assert row(out, "/health")[1:3] == ["healthy", "healthy"]
    assert row(out, "/dynamodb")[1:3] == ["OK", "OK"]
    assert "All 6 pages answer as documented." in out


def test_an_address_without_scheme_is_taken_as_the_document_writes_it(serve: Serve, check: Check) -> None:
    assert check(serve(WELL).removeprefix("http://"))[0] == 0


@pytest.mark.parametrize(
    ("page", "answer", "shown"),
    [
        ("/redis", (503, "timed out\nand more"), "503 Service Unavailable: timed out"),
        ("/redis", (200, "not OK"), "not OK"),
        ("/health", (200, "OK"), "OK"),
        ("/", (502, "<html>\nBad Gateway"), "502 Bad Gateway"),
        ("/s3", (503, "\x1b[2Jdenied"), "503 Service Unavailable: �[2Jdenied"),
        ("/s3", (503, "[red]denied[/]"), "503 Service Unavailable: [red]denied[/]"),
        ("/database", (599, ""), "599"),
    ],
)
def test_one_page_that_answers_otherwise_is_exit_code_1(
    serve: Serve, check: Check, page: str, answer: tuple[int, str], shown: str
) -> None:
    code, out, _ = check(serve({**WELL, page: answer}))
    assert code == 1
    assert row(out, page)[2] == shown
    assert f"1 of 6 pages failed: {page}" in out


@pytest.mark.parametrize("kind", ["hanging", "dripping"])
def test_a_slow_page_fails_without_holding_up_the_others(serve: Serve, check: Check, kind: str) -> None:
    code, out, _ = check(serve(WELL, **{kind: ("/database",)}), "--timeout-seconds", "2")
    assert code == 1
    assert row(out, "/redis")[2] == "OK"
    assert "1 of 6 pages failed: /database" in out


def test_a_server_that_never_answers_ends_in_time(serve: Serve, check: Check) -> None:
    code, out, err = check(serve(WELL, hanging=tuple(WELL)), "--timeout-seconds", "0.5")
    assert (code, out) == (1, "")
    assert "cannot be reached" in err


def test_a_refused_connection_is_explained(check: Check) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        code, out, err = check(f"http://127.0.0.1:{unused.getsockname()[1]}")
    assert (code, out) == (1, "")
    assert "cannot be reached: Connection refused." in err
    assert "Traceback" not in err


def test_an_unknown_host_is_explained(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    code, _, err = check("http://nowhere.test:8080")
    assert code == 1
    assert "http://nowhere.test:8080 cannot be reached: Name or service not known." in err


@pytest.mark.parametrize(
    "url",
    ["", "http://", "ftp://host", "http://host:99999", "http://host:port", "http://host/health", "http://[host",
     "http://me:secret@host", "http://ho st", "http://host?page=1", "http://host:0"],
)  # fmt: skip
def test_what_is_no_url_is_exit_code_2(check: Check, url: str) -> None:
    code, out, err = check(url)
    assert (code, out) == (2, "")
    assert "host:port" in err


def test_no_password_of_a_url_is_repeated() -> None:
    with pytest.raises(ValueError, match="is not the application's URL") as refused:
        address("http://me:secret@host")
    assert "secret" not in str(refused.value)
