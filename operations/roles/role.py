"""Roles that people and pipelines take."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """A role; its phase of a recording has the same name, but for that of a restore, which no recording makes."""

    PLAN = "plan"
    APPLY = "apply"
    OPERATE = "operate"
    RESTORE = "restore"
