"""Settings that every deployment has."""

from __future__ import annotations

from pydantic import ValidationInfo, field_validator

from config.components import AlarmSettings, NetworkSettings
from config.limits import AVAILABILITY_ZONES
from config.settings import Settings, SettingsRefusal
from config.types import ImportId, Region, ResourceAddress, Tags


class DeploymentSettings(Settings):
    """One deployment in one environment: its region, network and recipients of alarms."""

    region: Region
    """The region of everything in the stack."""
    network: NetworkSettings
    alarms: AlarmSettings = AlarmSettings()
    tags: Tags = {}
    """Tags of every resource of the stack, beside those of the environment and of Quintet."""
    adopt: dict[ResourceAddress, ImportId] = {}
    """Resources made by hand that the stack takes over: address → the id AWS knows it by."""

    @field_validator("network")
    @classmethod
    def _zones_lie_in_the_region(cls, network: NetworkSettings, info: ValidationInfo[object]) -> NetworkSettings:
        region = info.data.get("region")
        if region is None:  # refused already
            return network
        allowed = [region + letter for letter in AVAILABILITY_ZONES[region]]
        for index, zone in enumerate(network.availability_zones):
            if zone not in allowed:
                raise SettingsRefusal(
                    f"{zone} is not in {region}; allowed: {', '.join(allowed)}", "availability_zones", index
                )
        return network
