from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from werkzeug.test import Client
from werkzeug.wrappers import Request, Response

from emulator.replays import Replays

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Counting:
    """Answers with how often it was asked."""

    def __init__(self, status: int = 200) -> None:
        self.asked = 0
        self.status = status
        self.may_answer = threading.Event()
        self.may_answer.set()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        self.asked += 1
        said = Request(environ).get_data(as_text=True)
        self.may_answer.wait()
        return Response(f"{said} {self.asked}", status=self.status)(environ, start_response)


def post(client: Client, invocation: str, method: str = "POST") -> Any:
    return client.open(method=method, data="put", headers={"amz-sdk-invocation-id": invocation}).text


def test_a_repeated_request_gets_the_same_answer_and_is_done_once() -> None:
    app = Counting()
    client = Client(Replays(app))
    assert [post(client, "a"), post(client, "b"), post(client, "a"), post(client, "a")] == [
        "put 1",
        "put 2",
        *["put 1"] * 2,
    ]
    assert app.asked == 2


def test_a_repetition_waits_for_the_first_attempt() -> None:
    app = Counting()
    app.may_answer.clear()
    client = Client(Replays(app))
    with ThreadPoolExecutor() as pool:
        attempts = [pool.submit(post, client, "a") for _ in range(2)]
        app.may_answer.set()
        assert {attempt.result() for attempt in attempts} == {"put 1"}


def test_what_failed_is_tried_again() -> None:
    app = Counting(status=503)
    client = Client(Replays(app))
    assert [post(client, "a"), post(client, "a")] == ["put 1", "put 2"]


def test_reading_is_never_answered_from_memory() -> None:
    app = Counting()
    client = Client(Replays(app))
    assert [post(client, "a", "GET"), post(client, "a", "GET")] == ["put 1", "put 2"]
