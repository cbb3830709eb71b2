"""The release that instances fetch when they boot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployments.suai_cloud_app.day2.releases import Releases
from deployments.suai_cloud_app.outputs import SuaiCloudAppOutputs
from operations.applied import Applied

if TYPE_CHECKING:
    from operations.running.applied_stack import AppliedStack


def version_of(applied: AppliedStack) -> str | None:
    """The current release; None before the first. Raises what botocore raises."""
    outputs = Applied(applied.stack, applied.outputs).read(SuaiCloudAppOutputs)
    pointer = Releases(applied.aws, applied.stack, outputs).current()
    return pointer.release.version if pointer and pointer.release else None
