"""Checks that are answered in time, whatever the checked server does."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import TYPE_CHECKING

from .checks.failure import CheckError

if TYPE_CHECKING:
    from collections.abc import Callable


class BoundedCheck:
    """A check run for any number of requests at once, each of which gets its answer within `seconds`.

    Requests that arrive while the check runs share its result, so a slow server is not asked more often the slower
    it is; of these, at most `waiting` wait, so that the rest of the web server's threads stay free for other pages.
    Socket time-outs end the check itself; this bound also covers what has none, name resolution above all.
    """

    def __init__(self, check: Callable[[], None], *, seconds: float, waiting: int) -> None:
        self._check = check
        self._seconds = seconds
        self._waiting = waiting
        self._places = threading.BoundedSemaphore(waiting)
        self._lock = threading.Lock()
        self._running: Future[None] | None = None

    def __call__(self) -> None:
        """Run the check, or wait for the one that runs. Raises what it raises, CheckError when time is up."""
        if not self._places.acquire(blocking=False):
            raise CheckError(f"busy: {self._waiting} requests wait for this check already; try again")
        try:
            self._join_or_start().result(self._seconds)
        except FutureTimeoutError:
            raise CheckError(f"no answer within {self._seconds:g} seconds") from None
        finally:
            self._places.release()

    def _join_or_start(self) -> Future[None]:
        with self._lock:
            if self._running is None or self._running.done():
                self._running = Future()
                threading.Thread(target=self._run, args=(self._running,), name="check", daemon=True).start()
            return self._running

    def _run(self, result: Future[None]) -> None:
        try:
            self._check()
        except Exception as error:
            result.set_exception(error)
        else:
            result.set_result(None)
