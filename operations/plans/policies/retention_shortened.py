"""Backups, logs, old versions and deleted things that are kept for less time, or not at all."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from operations.plans.plan_document import Action, Change
from operations.plans.policies.policy import UNKNOWN, Leaf, PlanSurroundings, Undecided, before_and_after, name_of

_KEPT = re.compile(
    r"retention|^(deletion|recovery)_window|^recovery_period|^delete_after$|^noncurrent_days$|^newer_noncurrent_versions$"
)
_ZERO_IS_FOREVER = "retention_in_days"
_EXPIRING = ("expiration", "noncurrent_version_expiration")
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
        for path, was in before.items():
            yield from _less(path, was, after)
            yield from _switched_off(change, path, was, after.get(path))
    if change.action is not Action.CREATE or not around.is_of_new(change):
        yield from _expirations(change, before, after)


def _was_off(change: Change) -> bool:
    before, _ = before_and_after(change)
    return any(
        name_of(path) == "status" and value in ("Suspended", "Disabled", "DISABLED") for path, value in before.items()
    )


def _less(path: Leaf, was: object, after: dict[Leaf, object]) -> Iterator[str]:
    name, now = name_of(path), after.get(path)
    if not _KEPT.search(name):
        return
    if now is UNKNOWN:
        if _number(was, name) is not None:
            yield Undecided(f"{name} is known after the apply")
        return
    old = _number(was, name)
    new = _number(now, name)
    if old is None or (new is None and now is not None):
        return
    if new is None:
        if (
            name != _ZERO_IS_FOREVER
            and old
            and name not in ("noncurrent_days", "newer_noncurrent_versions", "delete_after")
        ):
            yield f"{name} was {_said(old)} and is not set any more"
        elif name == "delete_after" and not any(other[:1] == path[:1] and other[1:2] == path[1:2] for other in after):
            yield f"{'.'.join(map(str, path[:2]))} is removed, which kept its backups for {_said(old)} days"
    elif new < old:
        unit = next((unit for unit in ("seconds", "hours", "versions") if unit in name), "days")
        yield f"{name} goes from {_said(old)} to {_said(new)} {unit}"


def _number(value: object, name: str) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except ValueError:
        return None
    return math.inf if number == 0 and name == _ZERO_IS_FOREVER else number


def _said(number: float) -> str:
    return "for ever" if number == math.inf else f"{number:g}"


def _switched_off(change: Change, path: Leaf, was: object, now: object) -> Iterator[str]:
    names = [step for step in path if isinstance(step, str)]
    if not names:
        return
    if "point_in_time_recovery" in names and names[-1] == "enabled" and was is True and now in (False, None):
        yield "point_in_time_recovery is switched off"
    if "versioning" in "".join(names) or change.type == "aws_s3_bucket_versioning":
        if (
            names[-1] in ("status", "enabled")
            and was in (True, "Enabled")
            and now in (False, None, "Suspended", "Disabled")
        ):
            yield "versioning is suspended: old versions are no longer kept"
    elif change.type in _REMOVED and isinstance(was, str) and now in _ON_OFF.get(was, ()):
        yield _REMOVED[change.type]


def _expirations(change: Change, before: dict[Leaf, object], after: dict[Leaf, object]) -> Iterator[str]:
    """Data that expires from now on, or earlier; rules of a bucket that is created with them are its design."""
    if change.type == "aws_dynamodb_table" and change.action is not Action.CREATE:
        ttl = [path for path, value in after.items() if "ttl" in path and name_of(path) == "enabled" and value is True]
        if any(before.get(path) is not True for path in ttl):
            yield "items expire from now on (ttl)"
    if change.type not in ("aws_s3_bucket_lifecycle_configuration", "aws_s3_bucket"):
        return
    for path, now in after.items():
        if any(step in _EXPIRING for step in path) and name_of(path) in ("days", "noncurrent_days", "date") and now:
            was = before.get(path)
            if was in (None, 0, ""):
                said = "is known after the apply" if now is UNKNOWN else now
                yield f"objects expire from now on: {name_of(path)} {said}"
            elif isinstance(now, int) and isinstance(was, int) and now < was and name_of(path) == "days":
                yield f"objects expire after {now} days instead of {was}"
