"""A plan as `terraform show -json` has it: what would be done to which resource, values as they are.

Field names and meanings are those of HashiCorp's "JSON Output Format", version 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from operations.errors import OperatorError
from operations.resource_types import holds_data


class Action(StrEnum):
    """What becomes of a resource, worst first."""

    DELETE = "destroy"
    REPLACE = "replace"
    FORGET = "forget"
    UPDATE = "update"
    CREATE = "create"
    READ = "read"
    NO_OP = "nothing"


_ACTIONS: Mapping[tuple[str, ...], Action] = {
    ("delete",): Action.DELETE,
    ("delete", "create"): Action.REPLACE,
    ("create", "delete"): Action.REPLACE,
    ("forget",): Action.FORGET,
    ("create", "forget"): Action.REPLACE,
    ("update",): Action.UPDATE,
    ("create",): Action.CREATE,
    ("read",): Action.READ,
    ("no-op",): Action.NO_OP,
}

_REASONS: Mapping[str, str] = {
    "replace_because_tainted": "its last creation failed half-way",
    "replace_because_cannot_update": "",  # the attributes that force it are shown
    "replace_by_request": "asked for with -replace",
    "replace_by_triggers": "replace_triggered_by",
    "delete_because_no_resource_config": "no longer in the code",
    "delete_because_no_module": "its module is no longer in the code",
    "delete_because_wrong_repetition": "count or for_each came or went",
    "delete_because_count_index": "beyond count",
    "delete_because_each_key": "not in for_each any more",
    "delete_because_no_move_target": "moved to what does not exist",
    "read_because_config_unknown": "depends on what is not known yet",
    "read_because_dependency_pending": "depends on what changes",
}


@dataclass(frozen=True)
class Change:
    """What would be done, or was found to have happened, to one resource.

    `before` and `after` hold secret values; `before_sensitive` and `after_sensitive` say where. `moved_from` and
    `import_id` are empty where nothing is moved or imported.
    """

    address: str
    type: str
    action: Action
    create_before_destroy: bool
    moved_from: str
    import_id: str
    reason: str
    before: Any
    after: Any
    after_unknown: Any
    before_sensitive: Any
    after_sensitive: Any
    replace_paths: tuple[tuple[str | int, ...], ...]

    @property
    def destroys(self) -> bool:
        """Whether what exists now will be gone."""
        return self.action in (Action.DELETE, Action.REPLACE)

    @property
    def holds_data(self) -> bool:
        """Whether it is a resource whose destruction loses data; an output, which has no type, is not."""
        return bool(self.type) and holds_data(self.type)

    def was(self, name: str) -> Any:
        """The value of an attribute before; None where there was none."""
        return self.before.get(name) if isinstance(self.before, dict) else None

    def becomes(self, name: str) -> Any:
        """The value of an attribute after; None where there is none or it is not known yet."""
        return self.after.get(name) if isinstance(self.after, dict) else None


@dataclass(frozen=True)
class PlanDocument:
    """A plan: resources to change, resources that changed without Terraform, outputs to change."""

    changes: tuple[Change, ...]
    drift: tuple[Change, ...]
    outputs: tuple[Change, ...]


def read_plan(document: Mapping[str, Any]) -> PlanDocument:
    """The plan in Terraform's JSON. Raises OperatorError for a format this was not written for."""
    version = str(document.get("format_version", ""))
    if version.split(".")[0] != "1":
        raise OperatorError(f'This plan is in format "{version}"; format 1 of `terraform show -json` can be read.')
    return PlanDocument(
        changes=tuple(_change(entry) for entry in document.get("resource_changes", []) if entry["mode"] == "managed"),
        drift=tuple(_change(entry) for entry in document.get("resource_drift", [])),
        outputs=tuple(
            _change({"address": name, "type": "", "change": change})
            for name, change in document.get("output_changes", {}).items()
        ),
    )


def _change(entry: Mapping[str, Any]) -> Change:
    change = entry["change"]
    actions = tuple(change["actions"])
    reason = entry.get("action_reason", "")
    return Change(
        address=entry["address"],
        type=entry["type"],
        action=_ACTIONS[actions],
        create_before_destroy=actions == ("create", "delete"),
        moved_from=entry.get("previous_address", ""),
        import_id=(change.get("importing") or {}).get("id", ""),
        reason=_REASONS.get(reason, reason.replace("_", " ")),
        before=change.get("before"),
        after=change.get("after"),
        after_unknown=change.get("after_unknown"),
        before_sensitive=change.get("before_sensitive"),
        after_sensitive=change.get("after_sensitive"),
        replace_paths=tuple(tuple(path) for path in change.get("replace_paths", [])),
    )
