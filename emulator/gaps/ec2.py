"""EC2.

* MonitorInstances and UnmonitorInstances are missing (`aws_instance` with `monitoring`)
* a launch template's own tags are copied into its data (`aws_launch_template` with tags)
* the user data of a template's later versions is not taken as encoded, on which an Auto Scaling group fails
* DHCP options lose their tags (`aws_vpc_dhcp_options`)
* rules between security groups lose their description (`aws_vpc_security_group_ingress_rule`, `…_egress_rule`)
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateVersion
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.responses.dhcp_options import DHCPOptions
from moto.ec2.responses.monitoring import Monitoring
from moto.ec2.utils import parse_user_data

from emulator.gap import Gap

GAP = Gap("ec2")


@GAP.action(Monitoring, replaces=True)
def monitor_instances(self: Monitoring) -> ActionResult:
    return _set_monitoring(self, "enabled")


@GAP.action(Monitoring, replaces=True)
def unmonitor_instances(self: Monitoring) -> ActionResult:
    return _set_monitoring(self, "disabled")


@GAP.around(LaunchTemplateVersion, "__init__")
def data_as_aws_keeps_it(
    original: Any,
    version: LaunchTemplateVersion,
    template: LaunchTemplate,
    number: int,
    data: dict[str, Any],
    description: str,
) -> None:
    specifications = [s for s in data.get("TagSpecifications", []) if s.get("ResourceType") != "launch-template"]
    data = {key: value for key, value in data.items() if key != "TagSpecifications"}
    if isinstance(data.get("UserData"), str | bytes):
        data["UserData"] = parse_user_data(data["UserData"])
    if specifications:
        data["TagSpecifications"] = specifications
    original(version, template, number, data, description)


@GAP.around(DHCPOptions, "create_dhcp_options")
def dhcp_options_with_tags(original: Any, response: DHCPOptions) -> ActionResult:
    result: ActionResult = original(response)
    tags = response._parse_tag_specification().get("dhcp-options")
    if tags:
        made: Any = result.result
        response.ec2_backend.create_tags([made["DhcpOptions"].id], tags)
    return result


@GAP.around(SecurityGroupRule, "description")
def description_of_any_rule(original: Any, rule: SecurityGroupRule) -> str | None:
    of_addresses: str | None = original(rule)
    return of_addresses or rule.source_group.get("Description")


def _set_monitoring(response: Monitoring, state: str) -> ActionResult:
    monitorings = []
    for instance_id in response._get_param("InstanceIds", []):
        response.ec2_backend.get_instance(instance_id).monitoring_state = state
        monitorings.append({"InstanceId": instance_id, "Monitoring": {"State": state}})
    return ActionResult({"InstanceMonitorings": monitorings})
