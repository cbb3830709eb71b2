"""Backups, logs, old versions and deleted things that are kept for less time, or not at all."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from iam.patterns import matches
from operations.plans.plan_document import Action, Change
from operations.plans.policies.expirations import expirations
from operations.plans.policies.policy import UNKNOWN, Leaf, PlanSurroundings, Undecided, before_and_after, name_of

_KEPT = re.compile(
    r"retention|^(deletion|recovery)_window|^recovery_period|^backtrack_window$|^delete_after$|^noncurrent_days$"
    r"|^newer_noncurrent_versions$"
)
_KEEPING = ("default_retention", "retain_rule")
"""Blocks in which `days`, `years`, `count` and `interval` say how long something is kept."""
_FOREVER = {"retention_in_days": 1, "delete_after": 3}
"""Attributes that keep for ever when they are 0 or absent, and their depth below what has them."""
_ABSENT_IS_MORE = (*_FOREVER, "noncurrent_days", "newer_noncurrent_versions")
_REMOVED = {
    "aws_s3_bucket_versioning": "old versions are no longer kept",
    "aws_backup_plan": "its backups are no longer made",
    "aws_backup_selection": "what it selects is no longer backed up",
    "aws_dlm_lifecycle_policy": "its snapshots are no longer made",
    "aws_efs_backup_policy": "the file system is no longer backed up",
    "aws_db_instance_automated_backups_replication": "backups are no longer copied to another region",
    "aws_rds_cluster_automated_backups_replication": "backups are no longer copied to another region",
    "aws_s3_bucket_replication_configuration": "the bucket is no longer copied",
}
_ON_OFF = {"Enabled": ("Suspended", "Disabled"), "ENABLED": ("DISABLED", "DISABLING")}


def retention_shortened(change: Change, around: PlanSurroundings) -> Iterator[str]:
    """Sentences about what is kept for less time."""
    if change.action in (Action.DELETE, Action.FORGET):
        if change.type in _REMOVED and around.outlives(change) and not _was_off(change):
            yield _REMOVED[change.type]
        return
    before, after = before_and_after(change)
    if change.action is not Action.CREATE:
        for path in {**before, **after}:
            yield from _less(path, before, after)
            yield from _switched_off(change, path, before.get(path), after.get(path))
        yield from _no_longer_covered(change, before, after, around)
    if change.action is not Action.CREATE or not around.is_of_new(change):
        yield from expirations(change)


def _was_off(change: Change) -> bool:
    before, _ = before_and_after(change)
    return any(
        name_of(path) == "status" and value in ("Suspended", "Disabled", "DISABLED") for path, value in before.items()
    )


def _less(path: Leaf, before: dict[Leaf, object], after: dict[Leaf, object]) -> Iterator[str]:
    name = name_of(path)
    if not _KEPT.search(name) and not (name in ("days", "years", "count", "interval") and {*path} & {*_KEEPING}):
        return
    old, new = _number(path, before), _number(path, after)
    if old is None:
        return
    if after.get(path) is UNKNOWN:
        yield Undecided(f"{name} is known after the apply")
    elif new is not None and new < old:
        unit = next((unit for unit in ("seconds", "hours", "versions", "years") if unit in name), "days")
        yield f"{name} goes from {_said(old)} to {_said(new)} {unit}"
    elif after.get(path) is None and new is None and old and name not in _ABSENT_IS_MORE:
        yield f"{name} was {_said(old)} and is not set any more"


def _number(path: Leaf, side: dict[Leaf, object]) -> float | None:
    """Time or number of a side; None where it is not set, unless that means for ever."""
    value, depth = side.get(path), _FOREVER.get(name_of(path), 0)
    if depth and value in (None, 0, "0"):
        return math.inf if any(other[: len(path) - depth] == path[:-depth] for other in side) else None
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except ValueError:
        return None


def _said(number: float) -> str:
    return "for ever" if number == math.inf else f"{number:g}"


def _switched_off(change: Change, path: Leaf, was: object, now: object) -> Iterator[str]:
    names = [step for step in path if isinstance(step, str)]
    if not names or was not in (True, *_ON_OFF):
        return
    lost = ""
    if "point_in_time_recovery" in names and names[-1] in ("enabled", "status"):
        lost = "point_in_time_recovery is switched off"
    elif names[-1] == "enable_continuous_backup":
        lost = "continuous backups, to restore to any moment, are switched off"
    elif "versioning" in "".join(names) or change.type == "aws_s3_bucket_versioning":
        if names[-1] in ("status", "enabled"):
            lost = "versioning is suspended: old versions are no longer kept"
    elif change.type in _REMOVED and was is not True and ("replication" not in change.type or len(path) == 3):
        lost = _REMOVED[change.type]  # of a replication only the status of a whole rule
    if lost and now is UNKNOWN:
        yield Undecided(f"{names[-1]} is known after the apply")
    elif lost and now in (False, None, *_ON_OFF.get(str(was), ("Suspended", "Disabled"))):
        yield lost


def _no_longer_covered(
    change: Change, before: dict[Leaf, object], after: dict[Leaf, object], around: PlanSurroundings
) -> Iterator[str]:
    """Rules of a backup plan that are removed, and resources that a selection no longer holds."""
    if change.type == "aws_backup_plan":
        for removed in sorted(_backups(before) - _backups(after)):
            yield f"{removed} is removed: its backups are no longer made"
    if change.type == "aws_backup_selection":
        now = [value for path, value in after.items() if path[:1] == ("resources",)]
        lost = [
            str(value)
            for path, value in before.items()
            if path[:1] == ("resources",) and value and value not in around.gone
            if not any(matches(str(pattern), str(value)) for pattern in now)
        ]
        if lost and UNKNOWN in now:
            yield Undecided("resources is known after the apply")
        elif lost:
            yield f"{', '.join(lost)} is no longer backed up"


def _backups(side: dict[Leaf, object]) -> set[str]:
    """Rules of a plan, and the vaults they copy to."""
    rules = {f"rule {path[1]}" for path in side if path[:1] == ("rule",) and len(path) > 2}
    return rules | {
        f"the copy of rule {path[1]} to {value}"
        for path, value in side.items()
        if name_of(path) == "destination_vault_arn" and value is not UNKNOWN
    }
