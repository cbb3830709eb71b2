"""ECS services (`aws_ecs_service`) and tasks.

* half of a service's settings are forgotten: grace period, rebalancing, deployment configuration, placement …
* no task ever runs, so that `wait_for_steady_state` waits for ever; here a service is in steady state at once
* RunTask fails when only the task says how much memory it has
* RunTask runs nothing; here a task is a process where `emulator.behind` names one for its image
"""

from __future__ import annotations

import copy
import os
import subprocess
import threading
import time
from typing import Any

from moto.core.responses import ActionResult
from moto.ecs.models import EC2ContainerServiceBackend, Service, Task, ecs_backends
from moto.ecs.responses import EC2ContainerServiceResponse
from moto.logs.models import logs_backends
from moto.settings import moto_server_port

from emulator.behind import container_behind
from emulator.code_rights import require
from emulator.gap import Gap
from emulator.identities import temporary_keys, vpc_of_subnets
from emulator.server import HOST

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


@GAP.around(EC2ContainerServiceBackend, "run_task")
def run_as_processes(original: Any, backend: EC2ContainerServiceBackend, *args: Any, **kwargs: Any) -> list[Task]:
    tasks: list[Task] = original(backend, *args, **kwargs)
    for task in tasks:
        definition = backend.describe_task_definition(task.task_definition_arn)
        container = definition.container_definitions[0]
        behind = container_behind(str(container["image"]))
        if behind is not None:
            require(f"The task {task.id}")
            _start(task, container, behind)
    return tasks


@GAP.around(EC2ContainerServiceBackend, "_calculate_task_resource_requirements")
def memory_of_the_task(original: Any, task_definition: Any) -> Any:
    """On Fargate only the task as a whole needs to say how much memory it has."""
    counted = copy.copy(task_definition)
    counted.container_definitions = [{"memory": 0, **container} for container in task_definition.container_definitions]
    return original(counted)


@GAP.around(Task, "advance")
def advanced_by_its_process(original: Any, task: Task) -> None:
    if not hasattr(task, "process"):
        original(task)


@GAP.around(EC2ContainerServiceBackend, "stop_task")
def stopped_with_its_process(original: Any, backend: EC2ContainerServiceBackend, *args: Any, **kwargs: Any) -> Task:
    task: Task = original(backend, *args, **kwargs)
    if hasattr(task, "process"):
        task.process.terminate()
    return task


def _start(task: Any, container: dict[str, Any], behind: Any) -> None:
    """Run the task's container as a process; the task is running for as long as that is."""
    variables: list[dict[str, str]] = [*container.get("environment", [])]
    for override in task.overrides.get("containerOverrides", []):
        if override.get("name") == container["name"]:
            variables += override.get("environment", [])
    given = {entry["name"]: entry["value"] for entry in variables}
    environment = {
        "PATH": os.defpath,
        "TZ": "UTC",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_REGION": task.region_name,
        "AWS_DEFAULT_REGION": task.region_name,
        "AWS_ENDPOINT_URL": f"http://{HOST}:{moto_server_port()}",
        **_keys(task),
        "NO_PROXY": HOST,
        **given,
        **behind.get("environment", {}),
    }
    task.process = subprocess.Popen(
        behind["command"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    task.last_status = "RUNNING"
    options = container.get("logConfiguration", {}).get("options", {})
    threading.Thread(target=_watch, args=(task, container["name"], options), daemon=True).start()


def _keys(task: Any) -> dict[str, str]:
    """Keys of the task's own role; a task without one has none, as on AWS."""
    backend = ecs_backends[task._account_id][task.region_name]
    role = backend.describe_task_definition(task.task_definition_arn).task_role_arn
    if not role:
        return {}
    subnets = (task.network_configuration or {}).get("awsvpcConfiguration", {}).get("subnets", [])
    vpc_id = vpc_of_subnets(subnets, task._account_id, task.region_name)
    return temporary_keys(role, region=task.region_name, session_name=task.id, vpc_id=vpc_id)


def _watch(task: Any, container: str, options: dict[str, str]) -> None:
    """Bring what the process says into its log group, and its end into the task."""
    output, _ = task.process.communicate()
    for entry in task.containers:
        entry.exitCode = task.process.returncode
        entry.last_status = "STOPPED"
    task.stop_code = "EssentialContainerExited"
    task.stopped_reason = task.stopped_reason or "Essential container in task exited"
    if group := options.get("awslogs-group"):
        backend = logs_backends[task._account_id][task.region_name]
        stream = f"{options.get('awslogs-stream-prefix', 'ecs')}/{container}/{task.id}"
        backend.ensure_log_group(group)
        backend.create_log_stream(group, stream)
        now = int(time.time() * 1000)
        lines = [{"timestamp": now, "message": line} for line in output.splitlines() if line]
        if lines:
            backend.put_log_events(group, stream, lines)
    task.desired_status = task.last_status = "STOPPED"


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
