"""Route 53: a zone with a VPC is private for AWS; moto wants a flag besides, which the Go SDK does not send.

For `aws_route53_zone` with a `vpc` block.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.route53.responses import Route53

from operations.emulator.gap import Gap

GAP = Gap("route53")


@GAP.around(Route53, "create_hosted_zone")
def private_when_it_has_a_vpc(original: Any, response: Route53) -> ActionResult:
    if response._get_param("VPC.VPCId"):
        response.params.setdefault("HostedZoneConfig", {})["PrivateZone"] = True
    result: ActionResult = original(response)
    return result
