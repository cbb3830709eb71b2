"""EC2.

* MonitorInstances and UnmonitorInstances are missing (`aws_instance` with `monitoring`)
* a launch template's own tags are copied into its data (`aws_launch_template` with tags)
* DHCP options lose their tags (`aws_vpc_dhcp_options`)
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models.launch_templates import LaunchTemplate, LaunchTemplateVersion
from moto.ec2.responses.dhcp_options import DHCPOptions
from moto.ec2.responses.monitoring import Monitoring

from operations.emulator.gap import Gap

GAP = Gap("ec2")


@GAP.action(Monitoring, replaces=True)
def monitor_instances(self: Monitoring) -> ActionResult:
    return _set_monitoring(self, "enabled")


@GAP.action(Monitoring, replaces=True)
def unmonitor_instances(self: Monitoring) -> ActionResult:
    return _set_monitoring(self, "disabled")


@GAP.around(LaunchTemplateVersion, "__init__")
def data_without_the_templates_own_tags(
    original: Any,
    version: LaunchTemplateVersion,
    template: LaunchTemplate,
    number: int,
    data: dict[str, Any],
    description: str,
) -> None:
    specifications = [s for s in data.get("TagSpecifications", []) if s.get("ResourceType") != "launch-template"]
    data = {key: value for key, value in data.items() if key != "TagSpecifications"}
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


def _set_monitoring(response: Monitoring, state: str) -> ActionResult:
    monitorings = []
    for instance_id in response._get_param("InstanceIds", []):
        response.ec2_backend.get_instance(instance_id).monitoring_state = state
        monitorings.append({"InstanceId": instance_id, "Monitoring": {"State": state}})
    return ActionResult({"InstanceMonitorings": monitorings})
