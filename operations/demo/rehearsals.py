"""Rehearsals: what a deployment is for, played through on the emulator once the stack is applied to it.

A check looks at what was made; a rehearsal puts real programs behind it (`emulator.behind`) and lets them
work. `checks(stage)` in `day2/rehearsal/checks.py` of a deployment is one: a context manager that gives the checks
to run while it lasts, in their order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from operations.demo.check import Check, CheckContext
from operations.engines.keys import keys_of

if TYPE_CHECKING:
    from pathlib import Path


class NotRehearsedError(Exception):
    """It cannot be played through here; the message says what is missing, and how to get it."""


@dataclass(frozen=True)
class Stage:
    """Where a rehearsal takes place: an applied stack on an emulator."""

    context: CheckContext
    root: Path
    """The repository whose stack it is."""
    behind: Path
    """The file that tells the emulator what really runs behind it."""
    environment: Mapping[str, str]
    """The environment of an operator's program: this one's, with the emulator in place of AWS."""
    sleep: Callable[[float], None]
    """Waits, and raises when nobody waits for the result any more."""

    keys_in_vpc: Callable[[str, str], dict[str, str]]
    """The variables with which a program in a VPC signs: the ARN of its role or user, and the VPC's id."""
    used_afterwards: bool = True
    """False when the emulator ends with the demo: nobody sees what a rehearsal has applied besides."""

    @property
    def endpoint(self) -> str:
        """The emulator's URL."""
        return self.environment["AWS_ENDPOINT_URL"]

    def keys_of(self, arn: str) -> dict[str, str]:
        """The variables with which a program signs as the role or user of this ARN; see `operations.engines.keys`."""
        return keys_of(self.context.aws, arn, region=self.context.stack.region)


Rehearsal = Callable[[Stage], AbstractContextManager[Sequence[Check]]]
"""Raises NotRehearsedError when it is entered on a machine that lacks something."""
