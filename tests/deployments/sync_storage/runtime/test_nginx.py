"""The real nginx with the webheads' files, in front of a small application that says what it was asked."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import pytest

from deployments.sync_storage import runtime
from operations.engines.server import HOST, free_port, running
from tests.engines import need

pytestmark = pytest.mark.engines

FILES = Path(runtime.__file__).parent / "nginx"
LARGEST_REQUEST = 2 * 2**20 + 4096
"""Bytes that the application tells clients it takes: max_request_bytes in syncstorage/views/util.py, commit 4b0aaaa."""


class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Quiet(WSGIRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def application(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    """Answers with the request's headers and the length of its body; `/slow` takes its time."""
    if environ["PATH_INFO"] == "/slow":
        time.sleep(2)
    if environ["PATH_INFO"] == "/__heartbeat__":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return [b"OK"]
    length = len(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
    headers = {name[5:].lower(): value for name, value in environ.items() if name.startswith("HTTP_")}
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"headers": headers, "length": length}).encode()]


@dataclass
class Webhead:
    """nginx and the application behind it."""

    port: int
    folder: Path

    def ask(
        self, path: str = "/", *, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection(HOST, self.port, timeout=30)
        try:
            connection.request("PUT" if body is not None else "GET", path, body=body, headers=headers or {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (BrokenPipeError, ConnectionResetError):  # refused before it was sent whole
            return 413, b""
        finally:
            connection.close()

    def seen(self, **headers: str) -> dict[str, str]:
        """The headers the application sees."""
        status, body = self.ask(headers={name.replace("_", "-"): value for name, value in headers.items()})
        assert status == 200
        found: dict[str, str] = json.loads(body)["headers"]
        return found


def write_configuration(folder: Path, *, port: int, application_port: int, timeout: str = "575s") -> Path:
    """The files of a webhead below `folder`, which nginx as any user may use, on other ports."""
    for name in ("conf.d", "syncstorage.d", "log"):
        (folder / name).mkdir()
    main = (FILES / "nginx.conf").read_text()
    own = (FILES / "syncstorage.conf").read_text()
    changes = {
        "user nginx;": f"daemon off; lock_file {folder}/lock; " + ("user root;" if os.geteuid() == 0 else ""),
        "/run/nginx.pid": f"{folder}/pid",
        "/var/log/nginx": f"{folder}/log",
        "/etc/nginx": str(folder),
        "listen 80 ": f"listen {HOST}:{port} ",
        "127.0.0.1:8000": f"127.0.0.1:{application_port}",
        "575s": timeout,
        "http {\n": "http {\n" + "".join(
            f"    {kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        ),
    }  # fmt: skip
    for old, new in changes.items():
        assert old in main + own, old
        main, own = main.replace(old, new), own.replace(old, new)
    (folder / "nginx.conf").write_text(main)
    (folder / "conf.d" / "syncstorage.conf").write_text(own)
    (folder / "syncstorage.d" / "others.conf").write_text("location /others { return 204; }\n")
    return folder / "nginx.conf"


@pytest.fixture(scope="module")
def behind() -> Iterator[int]:
    """The port of the application."""
    server = make_server(HOST, 0, application, Server, Quiet)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="module")
def webhead(behind: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webhead]:
    (nginx,) = need("nginx", "nginx")
    folder, port = tmp_path_factory.mktemp("nginx"), free_port()
    configuration = write_configuration(folder, port=port, application_port=behind)
    made = Webhead(port, folder)
    command = [nginx, "-p", str(folder), "-e", str(folder / "log" / "error.log"), "-c", str(configuration)]
    with running(command, folder, lambda: made.ask("/__heartbeat__")):
        yield made


def test_the_heartbeat_is_the_applications(webhead: Webhead) -> None:
    assert webhead.ask("/__heartbeat__") == (200, b"OK")


def test_the_host_arrives_as_clients_sent_it(webhead: Webhead) -> None:
    assert webhead.seen(Host="a-3.sync.example.org")["host"] == "a-3.sync.example.org"


def test_the_application_learns_that_clients_speak_https(webhead: Webhead) -> None:
    assert webhead.seen(X_Forwarded_Proto="https")["x_forwarded_proto"] == "https"
    assert webhead.seen(X_Forwarded_Proto="http")["x_forwarded_proto"] == "http"
    assert webhead.seen()["x_forwarded_proto"] == "http"
    assert webhead.seen(X_Forwarded_Proto="gopher")["x_forwarded_proto"] == "http"


def test_headers_by_which_a_client_could_contradict_are_taken_away(webhead: Webhead) -> None:
    seen = webhead.seen(X_Forwarded_Proto="https", X_Forwarded_Protocol="http", X_Forwarded_Ssl="off")
    assert {name for name in seen if name.startswith("x_forwarded_")} == {"x_forwarded_proto", "x_forwarded_for"}


def test_the_clients_address_is_passed_on(webhead: Webhead) -> None:
    assert webhead.seen(X_Forwarded_For="192.0.2.7")["x_forwarded_for"] == f"192.0.2.7, {HOST}"


def test_requests_as_large_as_the_application_advertises_pass_and_much_larger_ones_are_refused(
    webhead: Webhead,
) -> None:
    status, answer = webhead.ask(body=b"x" * LARGEST_REQUEST)
    assert (status, json.loads(answer)["length"]) == (200, LARGEST_REQUEST)
    assert webhead.ask(body=b"x" * (3 * 2**20 + 1))[0] == 413


def test_a_long_request_is_kept_and_one_beyond_the_timeout_is_cut(
    webhead: Webhead, behind: int, tmp_path: Path
) -> None:
    assert webhead.ask("/slow")[0] == 200
    (nginx,) = need("nginx", "nginx")
    port = free_port()
    impatient = Webhead(port, tmp_path)
    configuration = write_configuration(tmp_path, port=port, application_port=behind, timeout="1s")
    command = [nginx, "-p", str(tmp_path), "-e", str(tmp_path / "log" / "error.log"), "-c", str(configuration)]
    with running(command, tmp_path, lambda: impatient.ask("/__heartbeat__")):
        assert impatient.ask("/slow")[0] == 504


def test_others_can_add_locations_and_whole_servers_of_their_own(webhead: Webhead) -> None:
    assert webhead.ask("/others")[0] == 204
    assert "include /etc/nginx/conf.d/*.conf;" in (FILES / "nginx.conf").read_text()


def test_the_access_log_tells_client_host_and_duration(webhead: Webhead) -> None:
    webhead.ask("/logged", headers={"Host": "a-1.sync.example.org", "X-Forwarded-For": "192.0.2.9"})
    give_up = time.monotonic() + 60
    while '"a-1.sync.example.org"' not in (text := (webhead.folder / "log" / "access.log").read_text()):
        assert time.monotonic() < give_up, text
        time.sleep(0.05)
    assert "192.0.2.9" in text


def test_nginx_accepts_the_files_as_they_are_installed(tmp_path: Path) -> None:
    (nginx,) = need("nginx", "nginx")
    configuration = write_configuration(tmp_path, port=free_port(), application_port=1)
    command = [nginx, "-t", "-p", str(tmp_path), "-e", str(tmp_path / "e"), "-c", str(configuration)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "warn" not in done.stderr
