"""The knobs of an Elastic Beanstalk environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from config.components import GuardedSettings, refuse_long_certificate_name
from config.settings import SettingsRefusal
from config.types import (
    BeanstalkEnvironmentName,
    HostName,
    InstanceType,
    LogRetentionDays,
    Percent,
    PlatformBranch,
    PlatformVersion,
    architecture,
)


class BeanstalkEnvironmentSettings(GuardedSettings):
    """A load-balanced PHP environment: its platform, its instances and its public name."""

    name: BeanstalkEnvironmentName
    """Unique in the account and region."""
    host_name: HostName
    """The environment's public name."""
    https: bool = True
    """Without it the environment speaks plain HTTP only, as the document's time did."""
    platform_branch: PlatformBranch
    """PHP and the operating system, as `quintet beaver platforms` lists them."""
    platform_version: PlatformVersion
    """The version that a new environment begins with; an environment that runs keeps its own."""
    platform_branch_before: PlatformBranch | None = None
    """The branch that the environment still runs, while it is moved to `platform_branch`; left out otherwise."""
    instance_type: InstanceType
    """CPU and memory of each instance."""
    min_size: Annotated[int, Field(ge=1, le=500)]
    """Fewest instances."""
    max_size: Annotated[int, Field(ge=1, le=500)]
    """Most instances."""
    scale_out_cpu_percent: Percent = 60
    """Average CPU above which an instance is added."""
    scale_in_cpu_percent: Percent = 25
    """Average CPU below which one is removed."""
    root_volume_size_gib: Annotated[int, Field(ge=10, le=16384)] = 20
    """Disk of each instance."""
    deployment_policy: Literal["Rolling", "RollingWithAdditionalBatch", "Immutable"] = "RollingWithAdditionalBatch"
    """How instances get a new version; every one of these keeps the environment in service."""
    log_retention_days: LogRetentionDays = 365
    """How long the instances' logs are kept."""

    guarded: ClassVar[Mapping[str, object]] = {"https": False}

    @property
    def solution_stack_name(self) -> str:
        """The platform as Beanstalk's API names it: `64bit Amazon Linux 2023 v4.13.7 running PHP 8.4`."""
        language, _, system = self.platform_branch.partition(" running on ")
        return f"{system} v{self.platform_version} running {language}"

    @model_validator(mode="after")
    def _instances_run_the_platform(self) -> Self:
        if architecture(self.instance_type) != "x86_64":
            raise SettingsRefusal(
                "is an arm64 instance; the environment's platform is for x86_64, example: t3.micro", "instance_type"
            )
        if self.https:
            refuse_long_certificate_name(self.host_name)
        return self

    @model_validator(mode="after")
    def _branch_is_another_than_before(self) -> Self:
        if self.platform_branch_before == self.platform_branch:
            raise SettingsRefusal("is platform_branch itself; leave it out", "platform_branch_before")
        return self

    @model_validator(mode="after")
    def _bounds_are_ordered(self) -> Self:
        if self.max_size < self.min_size:
            raise SettingsRefusal(f"is below min_size = {self.min_size}", "max_size")
        if self.scale_in_cpu_percent >= self.scale_out_cpu_percent:
            raise SettingsRefusal(
                f"must be below scale_out_cpu_percent = {self.scale_out_cpu_percent}", "scale_in_cpu_percent"
            )
        return self
