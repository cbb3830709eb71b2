"""Answers of moto about itself that never change while it serves, found out once and not for every request.

For each request moto looks at every folder of its package, to see whether the host is called like one of its services,
and at every member of the service's class, to see whether it has the action. Together that was a third of a request.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable


def install() -> None:
    """Remember them from now on. AttributeError: moto does not ask this any more, so this is to be dropped."""
    from moto import backends
    from moto.core import responses

    for module, name in ((backends, "list_of_moto_modules"), (responses, "method_names_from_class")):
        asked: Callable[..., Iterable[str]] = getattr(module, name)
        setattr(module, name, functools.cache(_whole(asked)))


def _whole(asked: Callable[..., Iterable[str]]) -> Callable[..., tuple[str, ...]]:
    """The function, with an answer that can be read again."""
    return lambda *about: tuple(asked(*about))
