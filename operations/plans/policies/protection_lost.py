"""Protection that is taken off: whatever keeps data from being deleted."""

from __future__ import annotations

import re
from collections.abc import Iterator

from operations.demo.unprotect import SWITCHES
from operations.plans.plan_document import Action, Change
from operations.plans.policies.policy import UNKNOWN, PlanSurroundings, Undecided, before_and_after, name_of

_ON_IS_SAFE = re.compile(
    r"^(enable_)?(delet(e|ion)|termination)_protection(_enabled)?$|^disable_api_(termination|stop)$|^mfa_delete$"
    r"|^object_lock_enabled$|^enable_lock$"
)
_OFF_IS_SAFE = frozenset(
    {
        *(name for name, free in SWITCHES.items() if free is True),
        "delete_automated_backups",
        "force_destroy_backups",
        "skip_final_backup",
    }
)
_LAST_COPIES = ("final_snapshot_identifier", "final_snapshot_name")
"""Names of a last snapshot, which alone ask for it where there is no `skip_final_snapshot`."""
_LOCKS = ("aws_backup_vault_lock_configuration", "aws_s3_bucket_object_lock_configuration", "aws_glacier_vault_lock")


def protection_lost(change: Change, around: PlanSurroundings) -> Iterator[str]:
    """Sentences about protection that an update or a replacement takes off."""
    if change.type in _LOCKS and change.action in (Action.DELETE, Action.FORGET) and around.outlives(change):
        yield "the lock on what is stored is taken off"
    if change.action not in (Action.UPDATE, Action.REPLACE, Action.UNKNOWN):
        return
    before, after = before_and_after(change)
    skips = ("skip_final_snapshot",) in {**before, **after}
    lost, unknown = [], []
    for path in {**before, **after}:
        name, was, now = name_of(path), before.get(path), after.get(path)
        if was is None and change.import_id:  # AWS does not know the switches that are Terraform's alone
            continue
        if _protects(name, was, skips) and now is UNKNOWN:
            unknown.append(name)
        elif _protects(name, was, skips) and not _protects(name, now, skips):
            lost.append(name)
    if lost:
        yield f"{', '.join(lost)}: nothing keeps it from being destroyed any more"
    if unknown:
        yield Undecided(f"{', '.join(unknown)} is known after the apply")


def _protects(name: str, value: object, skips: bool) -> bool:
    """True for a value that keeps something; a last snapshot's name does where nothing else says `skips`."""
    text = str(value).lower()
    if name in _OFF_IS_SAFE:
        return text in ("false", "none", "")
    if name in _LAST_COPIES:
        return bool(value) and not skips
    if name == "mode":
        return value == "COMPLIANCE"
    return bool(_ON_IS_SAFE.match(name)) and text in ("true", "enabled", "active")
