"""Health check of a checkout, before anything of it is deployed."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from deployments.beaver_contest.day2.health import ContestFinding
from deployments.beaver_contest.runtime.bundle import BundleError, copy
from deployments.beaver_contest.runtime.checkout import lacks, lacks_told, task_folders
from deployments.beaver_contest.runtime.mendings import MendingError, check_libraries, mend
from deployments.beaver_contest.runtime.php import LintError, lint
from operations.errors import OperatorError


def look_at_checkout(source: Path, *, php: str) -> list[ContestFinding]:
    """Everything that a bundle of `source` would need, told at once; `php` is the platform's version.

    Raises OperatorError when it is no checkout of the contest.
    """
    with tempfile.TemporaryDirectory(prefix="quintet-beaver-") as folder:
        stage = Path(folder) / "stage"
        try:
            copy(source, stage)
        except BundleError as error:
            raise OperatorError(f"{error}") from None
        missing = tuple(lacks_told(lacks(source)))
        return [
            ContestFinding("files", "complete" if not missing else "incomplete", missing),
            ContestFinding("tasks", ", ".join(task_folders(stage)) or "none"),
            _look("libraries", lambda: check_libraries(stage) or "checked"),
            _look("code", lambda: "; ".join(map(str, mend(stage))) or "nothing to change"),
            _look("PHP", lambda: lint(stage, php)),
        ]


def _look(what: str, examine: Callable[[], str]) -> ContestFinding:
    try:
        return ContestFinding(what, examine())
    except (MendingError, LintError) as error:
        return ContestFinding(what, "refused", (str(error),))
