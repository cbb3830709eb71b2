"""The knobs of an Elastic Beanstalk environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from config.components import GuardedSettings
from config.settings import Refusal
from config.types import (
    BeanstalkEnvironmentName,
    HostName,
    InstanceType,
    LogRetentionDays,
    Percent,
    SolutionStackName,
)


class BeanstalkEnvironmentSettings(GuardedSettings):
    """A load-balanced PHP environment: its platform, its instances and its public name."""

    name: BeanstalkEnvironmentName
    """Unique in the account and region."""
    host_name: HostName
    https: bool = True
    """Without it the environment speaks plain HTTP only, as the document's time did."""
    solution_stack_name: SolutionStackName
    instance_type: InstanceType
    min_size: Annotated[int, Field(ge=1, le=500)]
    max_size: Annotated[int, Field(ge=1, le=500)]
    scale_out_cpu_percent: Percent = 60
    scale_in_cpu_percent: Percent = 25
    root_volume_size_gib: Annotated[int, Field(ge=10, le=16384)] = 20
    deployment_policy: Literal["Rolling", "RollingWithAdditionalBatch", "Immutable"] = "RollingWithAdditionalBatch"
    """How instances get a new version; every one of these keeps the environment in service."""
    log_retention_days: LogRetentionDays = 365

    guarded: ClassVar[Mapping[str, Any]] = {"https": False}

    @model_validator(mode="after")
    def _bounds_are_ordered(self) -> Self:
        if self.max_size < self.min_size:
            raise Refusal(f"is below min_size = {self.min_size}", "max_size")
        if self.scale_in_cpu_percent >= self.scale_out_cpu_percent:
            raise Refusal(f"must be below scale_out_cpu_percent = {self.scale_out_cpu_percent}", "scale_in_cpu_percent")
        return self
