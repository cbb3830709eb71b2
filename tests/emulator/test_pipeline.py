from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from werkzeug.test import Client
from werkzeug.wrappers import Response

from emulator.pipeline import Calls
from emulator.shortcomings import Shortcomings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class Overlapping:
    """Waits for a second request before it answers the first, for `seconds` at most."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.met = False
        self._both = threading.Barrier(2)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            self._both.wait(self._seconds)
            self.met = True
        except threading.BrokenBarrierError:
            pass
        return Response("done")(environ, start_response)


def two_at_once(*services: str, seconds: float = 1) -> bool:
    """Send a signed request to each service at the same time; true when moto had both at once, within `seconds`."""
    moto = Overlapping(seconds)
    client = Client(Calls(moto, {}, frozenset(), "123456789012", Shortcomings()))

    def ask(service: str) -> int:
        signed = f"AWS4-HMAC-SHA256 Credential=test/20261129/eu-west-1/{service}/aws4_request, Signature=0"
        data = {"Action": "DescribeSubnets", "Version": "2016-11-15"}
        return client.post("/", data=data, headers={"Authorization": signed}).status_code

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(ask, services)) == [200, 200]
    return moto.met


def test_calls_that_change_instances_and_their_interfaces_are_answered_one_at_a_time() -> None:
    assert not two_at_once("ec2", "ec2")
    assert not two_at_once("ec2", "autoscaling")


def test_calls_of_a_service_that_never_waits_are_answered_one_at_a_time() -> None:
    assert not two_at_once("monitoring", "monitoring")
    assert two_at_once("monitoring", "iam", seconds=30)


@pytest.mark.parametrize("other", ["s3", "lambda", "ssm"])
def test_services_that_may_wait_keep_nobody_waiting(other: str) -> None:
    assert two_at_once("ec2", other, seconds=30)
