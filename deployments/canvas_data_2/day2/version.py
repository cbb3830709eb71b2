"""The image of the table task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployments.canvas_data_2.outputs import CanvasData2Outputs
from operations.applied import Applied

if TYPE_CHECKING:
    from operations.running.applied_stack import AppliedStack


def version_of(applied: AppliedStack) -> str | None:
    """The tag of the image."""
    return Applied(applied.stack, applied.outputs).read(CanvasData2Outputs).image.rpartition(":")[2]
