"""Removal of the folders below `.runs` that nobody needs any more."""

from __future__ import annotations

import re
import shutil
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from operations.state.errored_state import ERRORED
from operations.terraform.under_way import FILE, ApplyRecord

if TYPE_CHECKING:
    from pathlib import Path

RUNS_KEPT = 100
DAYS_KEPT = 30
PLAN_DAYS = 7
"""For how long the plans of a run that was not applied are kept: they hold secrets, and the world moves on."""

_RUN = re.compile(r"\d{8}-\d{6}-[a-z]+-\d+")
_DAY_SECONDS = 86400


def prune_runs(runs: Path, *, now: float | None = None) -> None:
    """Remove the runs that are older than DAYS_KEPT or beyond the newest RUNS_KEPT, and plans older than PLAN_DAYS.

    A run in which Terraform works, or that holds a state that could not be saved, stays.
    """
    moment = time.time() if now is None else now
    found = sorted((run for run in runs.glob("*") if _RUN.fullmatch(run.name) and run.is_dir()), reverse=True)
    for number, run in enumerate(found):
        with suppress(OSError):  # another Quintet removes it as well
            days = (moment - run.stat().st_mtime) / _DAY_SECONDS
            copies = [path for path in run.iterdir() if path.is_dir() and not path.is_symlink()]
            if any((copy / ERRORED).is_file() or _at_work(copy / FILE) for copy in copies):
                continue
            if days > DAYS_KEPT or (number >= RUNS_KEPT and days > 1):
                shutil.rmtree(run)
            elif days > PLAN_DAYS:
                for copy in copies:
                    shutil.rmtree(copy)


def _at_work(record: Path) -> bool:
    with suppress(OSError, ValueError):
        return ApplyRecord.model_validate_json(record.read_text(encoding="utf-8")).alive
    return False
