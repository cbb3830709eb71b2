"""Turns of stacks at what computes: the first of them is held up by nobody, the others wait for those before."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class Turns:
    """The order of the named, so many at once.

    Whoever waits for others must be certain that they run: a pool of threads that was given all in this order does so.
    """

    def __init__(self, names: Sequence[str], *, at_once: int = 1) -> None:
        self._over = {name: threading.Event() for name in names}
        self._before = dict(zip(names[at_once:], names, strict=False))

    def wait(self, name: str) -> None:
        """Return when the turn of `name` has come."""
        if before := self._before.get(name):
            self._over[before].wait()

    def end(self, name: str) -> None:
        """The turn of `name` is over, also when it never came; safe to repeat."""
        self._over[name].set()
