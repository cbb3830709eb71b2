"""Instances and tasks of an applied stack that take a shell by way of AWS Systems Manager."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from operations.aws import refusals_explained
from operations.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from operations.running.applied_stack import AppliedStack

_PROGRAMS: Final = {
    "aws": "AWS's command line: https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html",
    "session-manager-plugin": "its plugin for Session Manager: "
    "https://docs.aws.amazon.com/systems-manager/latest/userguide/session-manager-working-with-install-plugin.html",
}
"""Programs that hold a session, and their manuals. Source: those pages, read 2026-11-29."""


@dataclass(frozen=True)
class ShellTarget:
    """An instance, or a container of a task, with the arguments of AWS's command line that open a shell in it."""

    id: str
    part: str
    """The Auto Scaling group, Beanstalk environment or ECS cluster."""
    arguments: tuple[str, ...]


def shell_targets(applied: AppliedStack) -> list[ShellTarget]:
    """Running instances of groups and Beanstalk environments, then running tasks that allow commands, by part.

    Raises OperatorError when AWS refuses.
    """
    with refusals_explained():
        return [*_of_groups(applied), *_of_beanstalk(applied), *_of_clusters(applied)]


def _instance(instance_id: str, part: str) -> ShellTarget:
    return ShellTarget(instance_id, part, ("ssm", "start-session", "--target", instance_id))


def _of_groups(applied: AppliedStack) -> Iterator[ShellTarget]:
    names = applied.names("aws_autoscaling_group")
    if not names:
        return
    pages = applied.client("autoscaling").get_paginator("describe_auto_scaling_groups")
    for page in pages.paginate(AutoScalingGroupNames=list(names)):
        for group in page["AutoScalingGroups"]:
            for instance in group["Instances"]:
                if instance["LifecycleState"].startswith(("InService", "Pending")):
                    yield _instance(instance["InstanceId"], group["AutoScalingGroupName"])


def _of_beanstalk(applied: AppliedStack) -> Iterator[ShellTarget]:
    for name in applied.names("aws_elastic_beanstalk_environment"):
        found = applied.client("elasticbeanstalk").describe_environment_resources(EnvironmentName=name)
        for instance in found["EnvironmentResources"]["Instances"]:
            yield _instance(instance["Id"], name)


def _of_clusters(applied: AppliedStack) -> Iterator[ShellTarget]:
    ecs = applied.client("ecs")
    for cluster in applied.names("aws_ecs_cluster"):
        for page in ecs.get_paginator("list_tasks").paginate(cluster=cluster, desiredStatus="RUNNING"):
            tasks = ecs.describe_tasks(cluster=cluster, tasks=page["taskArns"])["tasks"] if page["taskArns"] else ()
            for task in tasks:
                if not task.get("enableExecuteCommand"):
                    continue
                identifier = task["taskArn"].rpartition("/")[2]
                where = ("ecs", "execute-command", "--cluster", cluster, "--task", identifier)
                for container in task["containers"]:
                    command = ("--container", container["name"], "--interactive", "--command", "/bin/sh")
                    yield ShellTarget(f"{identifier}/{container['name']}", cluster, (*where, *command))


def chosen(targets: Sequence[ShellTarget], name: str) -> ShellTarget:
    """The target of this id, or the first of the part of this name. Raises OperatorError when there is none."""
    found = next((target for target in targets if name == target.id), None)
    found = found or next((target for target in targets if name == target.part), None)
    if found is None:
        there = ", ".join(target.id for target in targets) or "none"
        raise OperatorError(f"No running instance or task is called {name}; there are: {there}.")
    return found


def open_shell(target: ShellTarget, *, region: str, environment: Mapping[str, str] | None = None) -> int:
    """Hand the terminal over to AWS's command line until the session ends; its exit code.

    Raises OperatorError when it or its plugin is not installed.
    """
    path = environment.get("PATH") if environment else None
    missing = [manual for program, manual in _PROGRAMS.items() if shutil.which(program, path=path) is None]
    if missing:
        raise OperatorError(
            f"A shell in {target.id} needs what is not installed here: {'; '.join(missing)}.",
            hint=f"Where both are: {command_line(target, region=region)}",
        )
    return subprocess.run(["aws", *target.arguments, "--region", region], env=environment, check=False).returncode


def command_line(target: ShellTarget, *, region: str) -> str:
    """The command that opens the shell."""
    return " ".join(["aws", *target.arguments, "--region", region])
