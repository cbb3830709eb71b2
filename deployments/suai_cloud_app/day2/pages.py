"""Asks a running SUAI Cloud App for its pages, and compares what they say with what its document promises."""

from __future__ import annotations

import http.client
import queue
import threading
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from urllib.parse import urlsplit

from operations.console import printable
from operations.errors import OperatorError

EXPECTED = {
    "/": None,
    "/health": "healthy",
    "/database": "OK",
    "/redis": "OK",
    "/s3": "OK",
    "/dynamodb": "OK",
}
"""Page → what it says when all is well; None: anything. /logs says nothing that could be expected."""
_MAX_BYTES = 64 * 1024
_MAX_SHOWN = 300


@dataclass(frozen=True)
class CheckedPage:
    """A page as it answered: `answer` is its first line or why there is none; `reached`: a server answered."""

    path: str
    expected: str | None
    answer: str
    fine: bool
    reached: bool
    seconds: float


def address(text: str) -> str:
    """The URL to put paths behind: `host:port`, as the document writes it, is `http://host:port`.

    Raises ValueError, with what is allowed, when it is none.
    """
    url = text if "://" in text else f"http://{text}"
    shown = "what stands there" if "@" in text else repr(text)  # it may hold a password
    allowed = "give http://host:port, https://host or host:port, without a path"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{shown} is no URL ({error}): {allowed}") from None
    bare = parts.path in ("", "/") and not (parts.query or parts.fragment or parts.username or parts.password)
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or not bare or " " in url:
        raise ValueError(f"{shown} is not the application's URL: {allowed}")
    return url.rstrip("/")


def ask_pages(url: str, *, timeout_seconds: float) -> list[CheckedPage]:
    """Ask for all pages at once; a page that has not answered in full after `timeout_seconds` has failed.

    Raises OperatorError when nothing answers at `url` at all.
    """
    answers: queue.SimpleQueue[CheckedPage] = queue.SimpleQueue()
    started = time.monotonic()

    def ask(path: str) -> None:
        answers.put(_ask(url, path, timeout_seconds))

    for path in EXPECTED:
        # not waited for in the end: looking up a name and a server that sends bit by bit know no time limit
        threading.Thread(target=ask, args=(path,), daemon=True).start()
    pages: dict[str, CheckedPage] = {}
    while len(pages) < len(EXPECTED):
        try:
            page = answers.get(timeout=max(0.0, started + timeout_seconds - time.monotonic()))
        except queue.Empty:
            break
        pages[page.path] = page
    silent = f"no answer within {timeout_seconds:g} s"
    found = [
        pages.get(path) or CheckedPage(path, expected, silent, fine=False, reached=False, seconds=timeout_seconds)
        for path, expected in EXPECTED.items()
    ]
    if not any(page.reached for page in found):
        raise OperatorError(
            f"{url} cannot be reached: {found[0].answer}.",
            hint="Compare it with the stack's output url. Are instances healthy? quintet status suai-cloud-app",
        )
    return found


def _ask(url: str, path: str, timeout_seconds: float) -> CheckedPage:
    expected = EXPECTED[path]
    started = time.monotonic()
    fine = reached = False
    try:
        status, text = _get(url + path, timeout_seconds)
        reached, fine = True, status == 200 and expected in (None, text)
        first_line = printable(text.partition("\n")[0][:_MAX_SHOWN])
        answer = _refusal(status, first_line) if status != 200 else first_line if expected else "a page"
    except urllib.error.URLError as error:
        answer = _cause(error.reason)
    except (OSError, http.client.HTTPException) as error:
        answer = _cause(error)
    return CheckedPage(path, expected, answer, fine, reached, time.monotonic() - started)


def _refusal(status: int, first_line: str) -> str:
    known = {entry.value: entry.phrase for entry in http.HTTPStatus}
    cause = "" if first_line.startswith("<") else first_line  # a load balancer's own page says no more than its status
    return ": ".join(filter(None, [f"{status} {known.get(status, '')}".strip(), cause]))


def _get(url: str, timeout_seconds: float) -> tuple[int, str]:
    try:
        response = urllib.request.build_opener().open(url, timeout=timeout_seconds)
    except urllib.error.HTTPError as refusal:
        response = refusal
    with response:
        return response.status, response.read(_MAX_BYTES).decode(errors="replace").strip()


def _cause(error: object) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__
