"""Elastic Load Balancing v2: names, zones of subnets, certificates.

Source: Elastic Load Balancing API Reference, CreateLoadBalancer, CreateTargetGroup and CreateListener (2026-11-28).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from emulator.call import Refusal
from emulator.rules.rule import Rules

if TYPE_CHECKING:
    from emulator.call import Call

RULES = Rules("elbv2")

_NAME = re.compile(r"(?!internal-)[A-Za-z0-9](?:[A-Za-z0-9-]{0,30}[A-Za-z0-9])?")


@RULES.on("CreateLoadBalancer", "CreateTargetGroup")
def a_name_is_short_and_plain(call: Call) -> None:
    name = call.parameters.get("Name", "")
    if not _NAME.fullmatch(name):
        kind = "load balancer" if call.action == "CreateLoadBalancer" else "target group"
        raise Refusal(
            "ValidationError",
            f"The {kind} name '{name}' must have at most 32 letters, digits and hyphens, with no hyphen first or"
            " last and no internal- in front",
        )


@RULES.on("CreateLoadBalancer", "SetSubnets")
def an_application_load_balancer_is_in_two_zones(call: Call) -> None:
    subnets = [
        *call.parameters.get("Subnets", ()),
        *(mapping["SubnetId"] for mapping in call.parameters.get("SubnetMappings", ())),
    ]
    zones = [zone for zone in (_zone(call, subnet) for subnet in subnets) if zone]
    if len(set(zones)) < len(zones):
        raise Refusal(
            "InvalidConfigurationRequest",
            "A load balancer cannot be attached to multiple subnets in the same Availability Zone",
        )
    network = call.parameters.get("Type") in ("network", "gateway")
    if call.action == "CreateLoadBalancer" and not network and len(subnets) < 2:
        raise Refusal("ValidationError", "At least two subnets in two different Availability Zones must be specified")


@RULES.on("CreateListener", "ModifyListener")
def a_tls_listener_has_a_certificate(call: Call) -> None:
    protocol = call.parameters.get("Protocol")
    created = call.action == "CreateListener"
    if created and protocol in ("HTTPS", "TLS") and not call.parameters.get("Certificates"):
        raise Refusal("ValidationError", f"A certificate must be specified for {protocol} listeners")


@RULES.on("CreateTargetGroup", "ModifyTargetGroup")
def a_health_check_ends_before_the_next_begins(call: Call) -> None:
    interval = call.parameters.get("HealthCheckIntervalSeconds")
    timeout = call.parameters.get("HealthCheckTimeoutSeconds")
    if interval is not None and timeout is not None and timeout >= interval:
        raise Refusal(
            "ValidationError",
            f"Health check interval ({interval} s) must be greater than the timeout ({timeout} s)",
        )


def _zone(call: Call, subnet_id: str) -> str:
    """The Availability Zone of a subnet; empty when there is no such subnet, which moto refuses."""
    from moto.ec2.models import ec2_backends

    for subnets in ec2_backends[call.account_id][call.region].subnets.values():
        if subnet_id in subnets:
            subnet: Any = subnets[subnet_id]
            return str(subnet.availability_zone)
    return ""
