"""Settings that every deployment has."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, ValidationInfo, field_validator

from config.components import AdoptedNetwork, AlarmSettings, LoadBalancerSettings, NetworkSettings
from config.limits import AVAILABILITY_ZONES
from config.settings import Settings, SettingsRefusal
from config.types import ImportId, Region, ResourceAddress, Tags


def _certificate_lies_in_the_region(
    settings: LoadBalancerSettings, info: ValidationInfo[object]
) -> LoadBalancerSettings:
    region, arn = info.data.get("region"), settings.dns.certificate_arn if settings.dns else None
    if region is not None and arn is not None and arn.split(":")[3] != region:
        raise SettingsRefusal(
            f"is in {arn.split(':')[3]}; a load balancer takes certificates of its own region, {region}",
            "dns",
            "certificate_arn",
        )
    return settings


RegionalLoadBalancerSettings = Annotated[LoadBalancerSettings, AfterValidator(_certificate_lies_in_the_region)]
"""A load balancer in the region of its deployment."""


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
        if isinstance(network, AdoptedNetwork):
            for kind in ("public_subnet_ids", "private_subnet_ids"):
                for zone in getattr(network, kind):
                    if zone not in allowed:
                        raise SettingsRefusal(f"{zone} is not in {region}; allowed: {', '.join(allowed)}", kind, zone)
            return network
        for index, zone in enumerate(network.availability_zones):
            if zone not in allowed:
                raise SettingsRefusal(
                    f"{zone} is not in {region}; allowed: {', '.join(allowed)}", "availability_zones", index
                )
        return network
