"""Protection that is taken off: whatever keeps data from being deleted."""

from __future__ import annotations

import re
from collections.abc import Iterator

from operations.demo.unprotect import SWITCHES
from operations.plans.plan_document import Action, Change
from operations.plans.policies.policy import PlanSurroundings, before_and_after, name_of

_ON_IS_SAFE = re.compile(
    r"^(enable_)?(deletion|termination)_protection(_enabled)?$|^disable_api_(termination|stop)$|^mfa_delete$"
    r"|^object_lock_enabled$|^enable_lock$"
)
_OFF_IS_SAFE = frozenset(
    {*(name for name, free in SWITCHES.items() if free is True), "delete_automated_backups", "force_destroy_backups"}
)
_LOCKS = ("aws_backup_vault_lock_configuration", "aws_s3_bucket_object_lock_configuration", "aws_glacier_vault_lock")


def protection_lost(change: Change, around: PlanSurroundings) -> Iterator[str]:
    """Sentences about protection that an update or a replacement takes off."""
    if change.type in _LOCKS and change.action in (Action.DELETE, Action.FORGET) and around.outlives(change):
        yield "the lock on what is stored is taken off"
    if change.action not in (Action.UPDATE, Action.REPLACE, Action.UNKNOWN):
        return
    before, after = before_and_after(change)
    lost = []
    for path, was in before.items():
        if was is None and change.import_id:  # AWS does not know the switches that are Terraform's alone
            continue
        name, now = name_of(path), after.get(path)
        if (_ON_IS_SAFE.match(name) and _on(was) and not _on(now) and (now is None or _off(now))) or (
            name in _OFF_IS_SAFE and _off(was) and _on(now)
        ):
            lost.append(name)
    if lost:
        yield f"{', '.join(lost)}: nothing keeps it from being destroyed any more"


def _on(value: object) -> bool:
    return str(value).lower() in ("true", "enabled", "active")


def _off(value: object) -> bool:
    return str(value).lower() in ("false", "disabled", "inactive", "none", "")
