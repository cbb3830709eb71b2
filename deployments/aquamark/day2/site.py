"""An applied Aquamark as AWS has it: its groups of every version, whom the load balancer asks, its daemon host."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from config.settings import ROOT
from deployments.aquamark.outputs import AquamarkOutputs
from operations.applied import Applied, find_applied
from operations.aws import Aws
from operations.errors import OperatorError
from operations.instances.run_command import POLL_SECONDS, RunCommand

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from operations.stacks import Stack

DEPLOYMENT = "aquamark"
_TASKS = ROOT / "deployments" / "aquamark" / "runtime" / "tasks.py"
_OVER = ("terminated", "shutting-down")


@dataclass(frozen=True)
class Site:
    """One environment. Methods raise OperatorError, and what botocore raises (see `operations.aws`)."""

    environment: str
    root: Path = ROOT
    aws: Aws = field(default_factory=Aws)
    poll_seconds: float = POLL_SECONDS

    def stack(self) -> Stack:
        """The stack, which was applied."""
        return self._applied().stack

    def outputs(self) -> AquamarkOutputs:
        """The outputs of the stack as applied last."""
        return self._applied().read(AquamarkOutputs)

    def client(self, service: str) -> Any:
        """A client in the stack's region."""
        return self.aws.client(service, region=self.stack().region)

    def web_groups(self) -> dict[str, dict[str, Any]]:
        """The web groups of all versions by name, those that are being deleted included."""
        prefix = self.outputs().web_name + "-"
        pages = self.client("autoscaling").get_paginator("describe_auto_scaling_groups").paginate()
        groups = [group for page in pages for group in page["AutoScalingGroups"]]
        return {g["AutoScalingGroupName"]: g for g in groups if g["AutoScalingGroupName"].startswith(prefix)}

    def group(self, name: str) -> dict[str, Any]:
        """One Auto Scaling group."""
        found = self.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
        if not found["AutoScalingGroups"]:
            raise OperatorError(f"There is no Auto Scaling group {name}.", hint="Apply the stack again.")
        group: dict[str, Any] = found["AutoScalingGroups"][0]
        return group

    def targets(self) -> dict[str, str]:
        """Instance id → health, of all the load balancer knows, without those that are leaving."""
        found = self.client("elbv2").describe_target_health(TargetGroupArn=self.outputs().target_group_arn)
        states = {t["Target"]["Id"]: t["TargetHealth"]["State"] for t in found["TargetHealthDescriptions"]}
        return {instance: state for instance, state in states.items() if state not in ("draining", "unused")}

    def instances_of(self, group: str) -> list[str]:
        """The instances of a group that still run, found by the tag they keep when the group is gone."""
        filters = [{"Name": "tag:aws:autoscaling:groupName", "Values": [group]}]
        pages = self.client("ec2").get_paginator("describe_instances").paginate(Filters=filters)
        found = [i for page in pages for reservation in page["Reservations"] for i in reservation["Instances"]]
        return [instance["InstanceId"] for instance in found if instance["State"]["Name"] not in _OVER]

    def daemon_host(self) -> str:
        """The instance the daemons run on."""
        name = self.outputs().daemon_group
        running = [i for i in self.group(name)["Instances"] if i["LifecycleState"] == "InService"]
        if len(running) != 1:
            raise OperatorError(
                f"{len(running)} daemon hosts are in service in {name}, not one.", hint="Wait until it has started."
            )
        instance: str = running[0]["InstanceId"]
        return instance

    def task(self, *arguments: str, what: str) -> str:
        """The answer of a task of deployments/aquamark/runtime/tasks.py on the daemon host."""
        return self.run_on([self.daemon_host()], *arguments, what=what)[0]

    def run_on(self, instances: Sequence[str], *arguments: str, what: str) -> list[str]:
        """The same on any hosts."""
        text = _TASKS.read_text(encoding="utf-8")
        script = f"python3 - {' '.join(arguments)} <<'END_OF_TASKS'\n{text}\nEND_OF_TASKS"
        return self._commands().run(instances, script, what=what)

    def refresh_hosts(self) -> int:
        """Have every host read its secrets anew and restart what depends on them; how many did.

        One after the other, so that the web service stays.
        """
        group = self.group(self.outputs().web_group)
        hosts = [i["InstanceId"] for i in group["Instances"] if i["LifecycleState"] == "InService"]
        for instance in [*hosts, self.daemon_host()]:
            self._commands().run([instance], "systemctl start aquamark.service", what="reading secrets anew")
            self._commands().run([instance], "aquamark-host wait", what="waiting for the web service")
        return len(hosts) + 1

    def _applied(self) -> Applied:
        return find_applied(self.root, DEPLOYMENT, self.environment, self.aws)

    def _commands(self) -> RunCommand:
        return RunCommand(self.aws, self.stack().region, self.poll_seconds)
