"""Where in this repository each construct is made: what leads from a line of a plan back to a line of Python."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import jsii
from constructs import Construct

Sources = dict[str, list[str]]
"""Construct path → the line of the deployment that asked for it, and the line of the module that makes it.

Each as `file:line`, the file relative to the repository; only the first when the deployment makes it itself.
"""


@contextmanager
def recorded_sources(root: Path) -> Iterator[Sources]:
    """Yields what is filled while constructs are made within the block, by code below `root`.

    Construct classes run their own __init__; the place that counts is the one that called the class.
    """
    create = jsii.create
    sources: Sources = {}
    paths: dict[int, str] = {}
    made: list[Any] = []  # kept, so that no identity is given twice

    def create_and_record(klass: Any, obj: Any, arguments: list[Any] | None = None) -> Any:
        if isinstance(obj, Construct) and arguments and isinstance(arguments[0], Construct):
            scope, name = arguments[0], str(arguments[1])
            paths[id(obj)] = f"{paths.get(id(scope), '')}/{name}".removeprefix("/")
            made.append(obj)
            if places := list(_places(obj, root)):
                sources[paths[id(obj)]] = list(dict.fromkeys([places[-1], places[0]]))
        return create(klass, obj, arguments)

    jsii.create = create_and_record  # type: ignore[assignment]  # it only adds to what it does
    try:
        yield sources
    finally:
        jsii.create = create


def _places(obj: object, root: Path) -> Iterator[str]:
    """The lines of deployments and modules that are being run, the innermost first."""
    frame: FrameType | None = sys._getframe(2)
    folders = (f"{root}/deployments/", f"{root}/modules/")
    while frame is not None:
        file = frame.f_code.co_filename
        if file.startswith(folders):
            of_the_construct = frame.f_code.co_name == "__init__" and frame.f_locals.get("self") is obj
            if not of_the_construct:
                yield f"{file.removeprefix(f'{root}/')}:{frame.f_lineno}"
        frame = frame.f_back
