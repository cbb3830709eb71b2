"""EC2: characters of descriptions, and references to what does not exist.

Sources: EC2 API Reference, CreateSecurityGroup and AuthorizeSecurityGroupIngress; EC2 error codes (2026-11-28).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from emulator.call import Refusal
from emulator.rules.rule import Rules

if TYPE_CHECKING:
    from emulator.call import Call

RULES = Rules("ec2")

_ALLOWED = "a-zA-Z0-9. _-:/()#,@[]+=&;{}!$*"
_TEXT = re.compile(r"[a-zA-Z0-9. _\-:/()#,@\[\]+=&;{}!$*]{0,255}")


@RULES.on("CreateSecurityGroup")
def a_group_has_a_name_and_description_of_allowed_characters(call: Call) -> None:
    for member, asked in (("GroupDescription", "Description"), ("GroupName", "GroupName")):
        text = call.parameters.get(asked, "")
        if not _TEXT.fullmatch(text):
            raise Refusal(
                "InvalidParameterValue",
                f"Value ({text}) for parameter {member} is invalid. Valid are up to 255 characters of {_ALLOWED}",
            )
    if call.parameters.get("GroupName", "").lower().startswith("sg-"):
        raise Refusal("InvalidParameterValue", "Value for parameter GroupName is invalid: it may not begin with sg-")


@RULES.on(
    "AuthorizeSecurityGroupIngress",
    "AuthorizeSecurityGroupEgress",
    "ModifySecurityGroupRules",
    "UpdateSecurityGroupRuleDescriptionsIngress",
    "UpdateSecurityGroupRuleDescriptionsEgress",
)
def descriptions_of_rules_have_allowed_characters(call: Call) -> None:
    for text in _descriptions(call.parameters):
        if not _TEXT.fullmatch(text):
            raise Refusal(
                "InvalidParameterValue",
                f"Invalid rule description: {text}. Valid descriptions are strings less than 256 characters from the"
                f" following set: {_ALLOWED}",
            )


_TARGETS = {
    "NatGatewayId": ("nat_gateways", "InvalidNatGatewayID.NotFound", "natGateway"),
    "EgressOnlyInternetGatewayId": ("egress_only_internet_gateways", "InvalidGatewayID.NotFound", "gateway"),
    "NetworkInterfaceId": ("enis", "InvalidNetworkInterfaceID.NotFound", "networkInterface"),
}
"""Member of a route → moto's collection, AWS's code, and AWS's word for it."""


@RULES.on("CreateRoute", "ReplaceRoute")
def the_target_of_a_route_exists(call: Call) -> None:
    for member, (collection, code, kind) in _TARGETS.items():
        asked = call.parameters.get(member)
        if asked and asked not in getattr(_backend(call), collection):
            raise Refusal(code, f"The {kind} ID '{asked}' does not exist")


@RULES.on("RunInstances")
def the_image_exists(call: Call) -> None:
    image = call.parameters.get("ImageId", "")
    if image.startswith("ami-") and image not in _backend(call).amis:
        raise Refusal("InvalidAMIID.NotFound", f"The image id '[{image}]' does not exist")


def _descriptions(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            if name == "Description" and isinstance(member, str):
                yield member
            else:
                yield from _descriptions(member)
    elif isinstance(value, list):
        for member in value:
            yield from _descriptions(member)


def _backend(call: Call) -> Any:
    from moto.ec2.models import ec2_backends

    return ec2_backends[call.account_id][call.region]
