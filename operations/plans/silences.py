"""Decisions about single findings over plans: `config/silences.toml`, reviewed like everything else.

For what a resource shall be for good, an exemption stands at the resource (`exempt(…)` in its module). A silence is for
what happens once, such as the destruction of a table, and so it ends on a day.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from config.settings import Settings, load


class Silence(Settings):
    """One policy at one resource of one stack, silent through a day."""

    policy: str
    """As the report names it in brackets."""
    stack: str
    address: str
    reason: Annotated[str, Field(min_length=1)]
    until: date
    """The last day it holds."""

    @field_validator("reason")
    @classmethod
    def _says_something(cls, reason: str) -> str:
        if len(reason.split()) < 3:
            raise ValueError("must say why in three words or more")
        return reason


class Silences(Settings):
    """The whole file."""

    silence: tuple[Silence, ...] = ()

    def reason(self, policy: str, stack: str, address: str, *, today: date) -> str:
        """Why this finding is silent today; empty when it is not."""
        for silence in self.silence:
            if (silence.policy, silence.stack, silence.address) == (policy, stack, address) and today <= silence.until:
                return f"{silence.reason} (until {silence.until})"
        return ""


def load_silences(root: Path) -> Silences:
    """The committed silences; none when there is no file. Raises SettingsError."""
    file = root / "config" / "silences.toml"
    return load(file, Silences) if file.exists() else Silences()
