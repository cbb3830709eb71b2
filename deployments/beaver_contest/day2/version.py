"""The bundle that runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deployments.beaver_contest.outputs import BeaverContestOutputs
from operations.applied import Applied

if TYPE_CHECKING:
    from operations.running.applied_stack import AppliedStack


def version_of(applied: AppliedStack) -> str | None:
    """The version label of the environments, both where they differ; None before the first deploy.

    Raises what botocore raises.
    """
    outputs = Applied(applied.stack, applied.outputs).read(BeaverContestOutputs)
    answer = applied.client("elasticbeanstalk").describe_environments(
        ApplicationName=outputs.application, EnvironmentNames=list(outputs.environments.values()), IncludeDeleted=False
    )
    labels = {found["VersionLabel"] for found in answer["Environments"] if found.get("VersionLabel")}
    return ", ".join(sorted(labels)) or None
