"""A finding of a policy at one change of a plan."""

from __future__ import annotations

from dataclasses import dataclass

ALL = "all"
"""Stands for every policy in `--fail-on`."""


@dataclass(frozen=True)
class Finding:
    """A policy that a change breaks; `fix` is what to write or to do; `silenced` is why it does not count.

    `undecided`: the policy cannot tell, as a value is known after the apply only; it is reported and does not count.
    """

    policy: str
    address: str
    message: str
    fix: str = ""
    silenced: str = ""
    deposed: str = ""
    """Key of the deposed object it is about; empty for the current one."""
    undecided: bool = False

    @property
    def counts(self) -> bool:
        """True when `--fail-on` counts it."""
        return not self.silenced and not self.undecided
