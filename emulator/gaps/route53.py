"""Route 53.

* a zone with a VPC is private for AWS; moto wants a flag besides, which the Go SDK does not send (`aws_route53_zone`
  with a `vpc` block)
* a zone that exists already, whose id stands in the settings, can be made: the caller reference `/hostedzone/<id>`
  gives a new zone this id
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.route53.models import Route53Backend
from moto.route53.responses import Route53

from emulator.gap import Gap

GAP = Gap("route53")


@GAP.around(Route53, "create_hosted_zone")
def private_when_it_has_a_vpc(original: Any, response: Route53) -> ActionResult:
    if response._get_param("VPC.VPCId"):
        response.params.setdefault("HostedZoneConfig", {})["PrivateZone"] = True
    result: ActionResult = original(response)
    return result


@GAP.around(Route53Backend, "create_hosted_zone")
def with_the_id_asked_for(original: Any, backend: Route53Backend, *args: Any, **kwargs: Any) -> Any:
    zone = original(backend, *args, **kwargs)
    reference, _, wanted = zone.caller_reference.rpartition("/")
    if reference == "/hostedzone":
        del backend.zones[zone.resource_id]
        zone.resource_id = wanted
        backend.zones[wanted] = zone
    return zone
