"""The parts of a deployment's day 2, found through the registry and imported by name when they are asked for."""

from __future__ import annotations

import importlib
import importlib.util
from types import ModuleType
from typing import TYPE_CHECKING

from config.registry import DEPLOYMENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from operations.demo.check import Check
    from operations.demo.rehearsals import Rehearsal
    from operations.review.preflight.findings import Question
    from operations.running.applied_stack import AppliedStack


def checks_of(deployment: str) -> Sequence[Check]:
    """The checks in `day2/checks.py` of a deployment; none when there is no such file."""
    module = part(deployment, "checks")
    return module.checks() if module else ()


def rehearsal_of(deployment: str) -> Rehearsal | None:
    """The rehearsal in `day2/rehearsal/checks.py` of a deployment; None when there is no such file."""
    module = part(deployment, "rehearsal.checks")
    return module.checks if module else None


def questions_of(deployment: str) -> Sequence[Question]:
    """The questions in `day2/preflight.py` of a deployment; none when there is no such file."""
    module = part(deployment, "preflight")
    return module.questions() if module else ()


def version_of(deployment: str) -> Callable[[AppliedStack], str | None] | None:
    """The function in `day2/version.py` of a deployment that finds the version that runs; None without such a file."""
    module = part(deployment, "version")
    return module.version_of if module else None


def part(deployment: str, name: str) -> ModuleType | None:
    """The module `day2/<name>` of a deployment; None when the deployment or the file does not exist."""
    known = next((known for known in DEPLOYMENTS if known.name == deployment), None)
    if known is None:
        return None
    module = f"{known.day2}.{name}"
    try:
        if importlib.util.find_spec(module) is None:
            return None
    except ModuleNotFoundError:  # of a package above it
        return None
    return importlib.import_module(module)
