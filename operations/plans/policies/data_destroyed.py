"""Data that is destroyed, forgotten, or can no longer be decrypted."""

from __future__ import annotations

from collections.abc import Iterator

from operations.plans.plan_document import Action, Change
from operations.plans.policies.policy import PlanSurroundings


def data_destroyed(change: Change, around: PlanSurroundings) -> Iterator[str]:
    """Sentences about data that is lost."""
    del around
    if change.type.startswith("aws_kms_") and any(
        change.was(name) is True and change.becomes(name) is False for name in ("is_enabled", "enabled")
    ):
        yield "the key is disabled: data encrypted with it cannot be read"
    if not change.holds_data:
        return
    if change.forgets:
        yield "Terraform forgets it: the data stays in AWS, where nothing manages or protects it any more"
    elif change.action is Action.UNKNOWN:
        yield f"data may be lost: {change.reason}"
    elif change.destroys:
        forced = ", ".join(str(path[0]) for path in change.replace_paths)
        because = f": {forced} cannot be changed in place" if forced else ""
        yield f"data is lost: it is {'replaced' if change.action is Action.REPLACE else 'destroyed'}{because}"
