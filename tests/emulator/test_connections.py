"""Connections to the emulator's server: kept, closed, and without memory of the request before."""

from __future__ import annotations

import http.client
import io
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextvars import ContextVar
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.serving import make_server

from emulator.connections import RequestHandler, parse_headers
from emulator.server import HOST, STATUS_PATH, Emulator

FORMER = http.client.parse_headers
Application = Callable[[dict[str, Any], Any], Iterable[bytes]]
seen: ContextVar[str] = ContextVar("seen", default="nothing")


def application(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answers with its request; `/unread` reads no body, `/broken` fails."""
    path = environ["PATH_INFO"]
    if path == "/broken":
        raise KeyError(path)
    length = -1 if environ.get("wsgi.input_terminated") else int(environ.get("CONTENT_LENGTH") or 0)
    body = b"" if path == "/unread" else environ["wsgi.input"].read(length)
    before = seen.get()
    seen.set(path)
    start_response("200 OK", [("X-Before", before), *([("Content-Length", "7")] if path == "/head" else [])])
    return [path.encode() + b" ", body]


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    server = make_server(HOST, 0, application, threaded=True, request_handler=RequestHandler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


@pytest.fixture
def connection(port: int) -> Iterator[http.client.HTTPConnection]:
    opened = http.client.HTTPConnection(HOST, port, timeout=30)
    yield opened
    opened.close()


def asked(connection: http.client.HTTPConnection, *request: Any, **more: Any) -> tuple[int, bytes]:
    connection.request(*request, **more)
    answer = connection.getresponse()
    return answer.status, answer.read()


def raw(port: int, request: bytes) -> bytes:
    """Everything that the server answers until it closes the connection."""
    with socket.create_connection((HOST, port), timeout=30) as opened:
        opened.sendall(request)
        return b"".join(iter(lambda: opened.recv(65536), b""))


def test_the_emulator_answers_several_requests_on_one_connection(emulator: Emulator) -> None:
    connection = http.client.HTTPConnection(HOST, emulator.port, timeout=30)
    used = set()
    for _ in range(3):
        assert asked(connection, "GET", STATUS_PATH)[0] == 200
        used.add(connection.sock.getsockname())
    connection.close()
    assert len(used) == 1


def test_bodies_of_any_length_are_read_and_answered_whole(connection: http.client.HTTPConnection) -> None:
    for size in (0, 1, 8191, 200_000):
        body = bytes(size)
        assert asked(connection, "PUT", "/a", body) == (200, b"/a " + body)


def test_no_request_finds_what_the_one_before_left_in_its_context(connection: http.client.HTTPConnection) -> None:
    for path in ("/one", "/two"):
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        assert answer.headers["X-Before"] == "nothing"


def test_a_body_that_nothing_reads_is_not_taken_for_the_next_request(connection: http.client.HTTPConnection) -> None:
    assert asked(connection, "POST", "/unread", b"GET /smuggled HTTP/1.1\r\n\r\n") == (200, b"/unread ")
    kept = connection.sock
    assert asked(connection, "GET", "/next") == (200, b"/next ")
    assert connection.sock is kept


def test_a_long_body_that_nothing_reads_ends_the_connection(port: int) -> None:
    answer = raw(port, b"POST /unread HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\n\r\nbegun")
    assert answer.startswith(b"HTTP/1.1 200")
    assert b"Connection: close" in answer


def test_head_has_the_length_of_the_body_and_none(port: int) -> None:
    head = b"HEAD /head HTTP/1.1\r\nHost: a\r\n\r\n"
    answer = raw(port, head + b"GET /next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert b"\r\nContent-Length: 7\r\n\r\nHTTP/1.1 200 OK\r\n" in answer


@pytest.mark.parametrize("version", ["HTTP/1.0\r\n", "HTTP/1.1\r\nConnection: close\r\n"])
def test_a_client_that_wants_the_connection_closed_has_it_closed(port: int, version: str) -> None:
    assert b"/a " in raw(port, f"GET /a {version}Host: a\r\n\r\n".encode())


def test_a_body_in_chunks_is_read(port: int) -> None:
    chunked = b"PUT /a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nxy\r\n0\r\n\r\n"
    assert b"2\r\nxy\r\n" in raw(port, chunked)


def test_a_client_that_waits_for_leave_to_send_its_body_gets_it(port: int) -> None:
    with socket.create_connection((HOST, port), timeout=30) as opened:
        opened.sendall(b"PUT /a HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert opened.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        opened.sendall(b"xy")
        assert opened.recv(1000).endswith(b"/a xy")


def test_a_failure_is_answered_and_ends_the_connection(port: int, capfd: pytest.CaptureFixture[str]) -> None:
    assert raw(port, b"GET /broken HTTP/1.1\r\nHost: a\r\n\r\n").startswith(b"HTTP/1.1 500")
    assert "KeyError: '/broken'" in capfd.readouterr().out


def test_a_request_that_is_cut_off_is_not_answered(port: int) -> None:
    with socket.create_connection((HOST, port), timeout=30) as opened:
        opened.sendall(b"PUT /a HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nbegun")
        opened.shutdown(socket.SHUT_WR)
        assert opened.recv(100) == b""


TEXT = st.text(st.characters(min_codepoint=1, max_codepoint=255), max_size=12)
PLAIN = st.builds(
    "{}:{}\r\n".format, st.from_regex(r"[A-Za-z-]{1,9}", fullmatch=True), st.sampled_from(["", " a ", "\ta:b"])
)
ODD = st.one_of(
    TEXT, st.sampled_from([" folded\r\n", "no colon\r\n", "From x:y\r\n", ":\n", "a : b\r\n", "a:\r b\r\n"])
)


@given(st.lists(st.one_of(PLAIN, PLAIN, ODD)), st.sampled_from(["\r\n", "\n", ""]))
def test_headers_are_read_as_python_reads_them(lines: list[str], end: str) -> None:
    sent = ("".join(lines) + end + "body").encode("iso-8859-1")
    ours, theirs = io.BytesIO(sent), io.BytesIO(sent)
    assert parse_headers(ours).items() == FORMER(theirs).items()
    assert ours.read() == theirs.read()
