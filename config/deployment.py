"""What every deployment's settings hold, whatever it deploys."""

from __future__ import annotations

from pydantic import ValidationInfo, field_validator

from config.components import AlarmSettings, NetworkSettings
from config.limits import AVAILABILITY_ZONES
from config.settings import Settings, SettingsRefusal
from config.types import ImportId, Region, ResourceAddress, Tags


class DeploymentSettings(Settings):
    """One deployment in one environment: where it runs, its network, who hears of alarms."""

    region: Region
    network: NetworkSettings
    alarms: AlarmSettings = AlarmSettings()
    tags: Tags = {}
    adopt: dict[ResourceAddress, ImportId] = {}
    """What exists already, made by hand, and is to be taken over: the resource's address → the id AWS knows it by."""

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
