"""The web interface, with checks that are told what to do."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from wsgiref.util import setup_testing_defaults

import pytest

from deployments.suai_cloud_app.runtime.app import log
from deployments.suai_cloud_app.runtime.app.checks.failure import CheckError
from deployments.suai_cloud_app.runtime.app.pages import CheckPages

SECRET = "pass\"word\\é'"
Answer = tuple[str, dict[str, str], str]


def _fail() -> None:
    raise CheckError(f"refused with {SECRET} and {SECRET!r}")


def _break() -> None:
    raise ZeroDivisionError(f"bug with {SECRET}")


@pytest.fixture(autouse=True)
def _log_as_in_production(tmp_path: Path) -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    root.handlers = []  # pytest's own would be closed by open_log
    log.open_log(tmp_path, log.Redaction([SECRET]))
    yield
    root.handlers[0].close()
    root.handlers = handlers
    root.setLevel(level)


@pytest.fixture
def get(tmp_path: Path) -> Callable[..., Answer]:
    checks = {"fine": lambda: None, "failing": _fail, "broken": _break}
    pages = CheckPages(checks, directory=tmp_path, redact=log.Redaction([SECRET]))

    def request(path: str, method: str = "GET") -> Answer:
        environ: dict[str, object] = {"PATH_INFO": path, "REQUEST_METHOD": method}
        setup_testing_defaults(environ)
        started: list[tuple[str, dict[str, str]]] = []

        def start_response(status: str, headers: list[tuple[str, str]], *_: object) -> Callable[[bytes], object]:
            started.append((status, dict(headers)))
            return lambda _: None

        body = b"".join(pages(environ, start_response))
        return *started[0], body.decode()

    return request


def test_a_check_that_passes_says_ok(get: Callable[..., Answer]) -> None:
    status, headers, body = get("/fine")
    assert (status, body) == ("200 OK", "OK")
    assert headers["Content-Type"] == "text/plain; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/failing", "/broken"])
def test_a_check_that_fails_says_why_without_secrets_here_and_in_the_log(
    get: Callable[..., Answer], tmp_path: Path, path: str
) -> None:
    status, _, body = get(path)
    assert status == "503 Service Unavailable"
    assert "with ********" in body
    written = (tmp_path / "output.log").read_text()
    assert f"{path} failed" in written
    for text in (body, written, get("/logs")[2]):
        assert SECRET not in text
        assert repr(SECRET)[1:-1] not in text


def test_health_is_healthy_whatever_fails(get: Callable[..., Answer]) -> None:
    get("/failing")
    assert get("/health")[::2] == ("200 OK", "healthy")


def test_unknown_pages_are_not_found_and_name_those_there_are(get: Callable[..., Answer]) -> None:
    status, _, body = get("/admin")
    assert status == "404 Not Found"
    assert "/fine, /failing, /broken, /health, /logs" in body


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_only_reading_methods_are_allowed(get: Callable[..., Answer], method: str) -> None:
    status, headers, _ = get("/fine", method)
    assert (status, headers["Allow"]) == ("405 Method Not Allowed", "GET, HEAD")


def test_head_answers_without_a_body(get: Callable[..., Answer]) -> None:
    status, headers, body = get("/health", "HEAD")
    assert (status, headers["Content-Length"], body) == ("200 OK", "7", "")


def test_logs_are_the_last_whole_lines_and_bounded(get: Callable[..., Answer], tmp_path: Path) -> None:
    lines = [f"line {number} ü" for number in range(20_000)]
    (tmp_path / "output.log").write_text("\n".join(lines) + "\n")
    shown = get("/logs")[2]
    assert len(shown.encode()) <= log.TAIL_BYTES
    assert shown.splitlines() == lines[-len(shown.splitlines()) :]
    assert len(shown.splitlines()) > 1000


def test_logs_are_empty_before_anything_was_logged(tmp_path: Path) -> None:
    assert log.tail(tmp_path / "elsewhere") == ""


def test_the_log_starts_anew_before_it_grows_without_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, get: Callable[..., Answer]
) -> None:
    monkeypatch.setattr(log, "MAX_BYTES", 2000)
    log.open_log(tmp_path, log.Redaction())
    for _ in range(300):
        get("/fine")
    files = sorted(path.name for path in tmp_path.iterdir())
    assert files == ["output.log", "output.log.1", "output.log.2", "output.log.3"]
    assert all(path.stat().st_size <= 2000 for path in tmp_path.iterdir())
    assert "/fine OK" in get("/logs")[2]
