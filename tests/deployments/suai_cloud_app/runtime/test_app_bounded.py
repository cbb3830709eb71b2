"""A check is answered in time and never runs twice at once."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from deployments.suai_cloud_app.runtime.app.bounded import BoundedCheck
from deployments.suai_cloud_app.runtime.app.checks.failure import CheckError


class Controlled:
    """A check that ends when it is told to."""

    def __init__(self) -> None:
        self.runs = 0
        self.started = threading.Event()
        self.may_end = threading.Event()

    def __call__(self) -> None:
        self.runs += 1
        self.started.set()
        self.may_end.wait()


def test_a_check_that_never_ends_is_given_up() -> None:
    check = Controlled()
    with pytest.raises(CheckError, match=r"no answer within 0\.05 seconds"):
        BoundedCheck(check, seconds=0.05, waiting=1)()
    check.may_end.set()


class Watched(BoundedCheck):
    """Tells of each request that has got hold of the check that runs."""

    joined = threading.Semaphore(0)

    def _join_or_start(self) -> Future[None]:
        running = super()._join_or_start()
        self.joined.release()
        return running


def test_requests_share_the_check_that_runs_and_those_beyond_the_bound_are_told_so() -> None:
    check = Controlled()
    bounded = Watched(check, seconds=60, waiting=2)
    with ThreadPoolExecutor(2) as requests:
        answers = [requests.submit(bounded) for _ in range(2)]
        for _ in answers:
            bounded.joined.acquire()
        with pytest.raises(CheckError, match="busy: 2 requests wait for this check already"):
            bounded()
        check.may_end.set()
        assert [answer.result() for answer in answers] == [None, None]
    assert check.runs == 1


def test_each_later_request_runs_the_check_anew() -> None:
    causes = iter(["first", "second"])

    def check() -> None:
        raise CheckError(next(causes))

    bounded = BoundedCheck(check, seconds=60, waiting=1)
    for cause in ("first", "second"):
        with pytest.raises(CheckError, match=cause):
            bounded()
