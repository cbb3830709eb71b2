"""The image that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployments.aquamark.outputs import NO_VERSION, AquamarkOutputs
from operations.applied import Applied

if TYPE_CHECKING:
    from operations.running.applied_stack import AppliedStack


def version_of(applied: AppliedStack) -> str | None:
    """The tag of the image; None before the first upgrade."""
    version = Applied(applied.stack, applied.outputs).read(AquamarkOutputs).version
    return None if version == NO_VERSION else version
