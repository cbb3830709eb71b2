"""Takes the protection off resources that are to be destroyed on purpose."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

SWITCHES: Mapping[str, bool | int | None] = {
    "deletion_protection": False,
    "deletion_protection_enabled": False,
    "enable_deletion_protection": False,
    "final_snapshot_identifier": None,
    "force_delete": True,
    "force_destroy": True,
    "recovery_window_in_days": 0,
    "skip_final_snapshot": True,
}
"""Arguments that keep a resource or its data from being deleted, and the value that lets them go."""


def without_protections(document: Mapping[str, Any]) -> dict[str, Any]:
    """A Terraform override file (`*_override.tf.json`) for the stack `document` that lets everything be destroyed.

    Only arguments that the stack sets otherwise are overridden; empty when nothing is protected.
    """
    override: dict[str, dict[str, Any]] = {}
    for kind, resources in document.get("resource", {}).items():
        for name, resource in resources.items():
            changes: dict[str, Any] = {key: free for key, free in SWITCHES.items() if resource.get(key, free) != free}
            if resource.get("lifecycle", {}).get("prevent_destroy"):
                changes["lifecycle"] = {"prevent_destroy": False}
            if changes:
                override.setdefault(kind, {})[name] = changes
    return {"resource": override} if override else {}
