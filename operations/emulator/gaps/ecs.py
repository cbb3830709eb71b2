"""ECS services (`aws_ecs_service`).

* half of a service's settings are forgotten: grace period, rebalancing, deployment configuration, placement …
* no task ever runs, so that `wait_for_steady_state` waits for ever; here a service is in steady state at once
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.ecs.models import Service
from moto.ecs.responses import EC2ContainerServiceResponse

from operations.emulator.gap import Gap

GAP = Gap("ecs")

_FORGOTTEN: dict[str, tuple[str, Any]] = {
    "healthCheckGracePeriodSeconds": ("health_check_grace_period_seconds", 0),
    "availabilityZoneRebalancing": ("availability_zone_rebalancing", "DISABLED"),
    "enableECSManagedTags": ("enable_ecs_managed_tags", False),
    "enableExecuteCommand": ("enable_execute_command", False),
    "deploymentConfiguration": ("deployment_configuration", None),
    "placementStrategy": ("placement_strategy", None),
    "placementConstraints": ("placement_constraints", None),
    "capacityProviderStrategy": ("capacity_provider_strategy", None),
}
"""Parameter → the attribute of moto's service it is returned from, and what it is when nobody sets it."""


@GAP.around(EC2ContainerServiceResponse, "create_service")
def created_as_asked(original: Any, response: EC2ContainerServiceResponse) -> ActionResult:
    return _settled(original(response), response)


@GAP.around(EC2ContainerServiceResponse, "update_service")
def updated_as_asked(original: Any, response: EC2ContainerServiceResponse) -> ActionResult:
    return _settled(original(response), response)


def _settled(result: ActionResult, response: EC2ContainerServiceResponse) -> ActionResult:
    body: Any = result.result
    service: Service = body["service"]
    for parameter, (attribute, default) in _FORGOTTEN.items():
        asked = response._get_param(parameter)
        if asked is not None:
            setattr(service, attribute, asked)
        elif default is not None and not hasattr(service, attribute):
            setattr(service, attribute, default)
    service.running_count = service.desired_count
    service.pending_count = 0
    del service.deployments[1:]
    for deployment in service.deployments:
        deployment |= {
            "taskDefinition": service.task_definition,
            "desiredCount": service.desired_count,
            "runningCount": service.desired_count,
            "pendingCount": 0,
            "rolloutState": "COMPLETED",
        }
    return result
