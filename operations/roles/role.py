"""Roles that people and pipelines take."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """A role; its phase of a recording has the same name."""

    PLAN = "plan"
    APPLY = "apply"
    OPERATE = "operate"
