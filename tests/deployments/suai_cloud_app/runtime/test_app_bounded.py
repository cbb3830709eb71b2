"""A check is answered in time and never runs twice at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

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


def test_requests_share_the_check_that_runs_and_those_beyond_the_bound_are_told_so() -> None:
    check = Controlled()
    bounded = BoundedCheck(check, seconds=60, waiting=2)
    with ThreadPoolExecutor(2) as requests:
        first = requests.submit(bounded)
        check.started.wait()
        second = requests.submit(bounded)
        while bounded._places._value:  # until the second has its place
            pass
        with pytest.raises(CheckError, match="busy: 2 requests wait for this check already"):
            bounded()
        check.may_end.set()
        assert (first.result(), second.result()) == (None, None)
    assert check.runs == 1


def test_each_later_request_runs_the_check_anew() -> None:
    causes = iter(["first", "second"])

    def check() -> None:
        raise CheckError(next(causes))

    bounded = BoundedCheck(check, seconds=60, waiting=1)
    for cause in ("first", "second"):
        with pytest.raises(CheckError, match=cause):
            bounded()
