"""Has running webheads render their files anew and reload them, batch by batch."""

from __future__ import annotations

import time
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING, Any

from operations.console import printable
from operations.errors import OperatorError

if TYPE_CHECKING:
    from rich.console import Console

    from deployments.sync_storage.day2.deployed import Deployed

POLL_SECONDS = 3.0
COMMAND_SECONDS = 900.0
HEALTH_SECONDS = 120.0
_RUNNING = ("Pending", "InProgress", "Delayed", "Cancelling")
_LEAVING = ("Terminating", "Terminating:Wait", "Terminating:Proceed", "Terminated", "Detaching", "Detached")


@dataclass(frozen=True)
class RunningWebheads:
    """The webheads of one environment. Methods raise what botocore raises."""

    deployed: Deployed
    console: Console
    _: KW_ONLY
    batch_size: int = 1
    poll_seconds: float = POLL_SECONDS
    command_seconds: float = COMMAND_SECONDS
    health_seconds: float = HEALTH_SECONDS

    def instances(self) -> list[str]:
        """Those that are there to stay."""
        return [entry["InstanceId"] for entry in self._group()["Instances"] if entry["LifecycleState"] not in _LEAVING]

    def refresh(self) -> int:
        """Render and reload on every webhead, also on those that come meanwhile; how many there were.

        Raises OperatorError, and leaves the rest as it is, when a command fails or webheads that were healthy are not
        healthy again after a batch. Run again, it begins anew: what is up to date stays untouched.
        """
        done: list[str] = []
        healthy = self._healthy()
        while waiting := [instance for instance in self.instances() if instance not in done]:
            batch = waiting[: self.batch_size]
            self._say(f"Rendering on {', '.join(batch)} ({len(done) + len(batch)} of {len(done) + len(waiting)})")
            self._run(batch)
            self._wait_for(healthy)
            done += batch
            healthy |= self._healthy()
        return len(done)

    def _run(self, batch: list[str]) -> None:
        ssm = self.deployed.client("ssm")
        try:
            sent = ssm.send_command(
                DocumentName=self.deployed.outputs.render_document,
                InstanceIds=batch,
                Comment="quintet sync-storage refresh",
            )
        except ssm.exceptions.InvalidInstanceId:
            raise OperatorError(
                f"Systems Manager does not reach {', '.join(batch)}: it has just started, or is going.",
                hint="Run the same again in a minute.",
            ) from None
        give_up = time.monotonic() + self.command_seconds
        for instance in batch:
            while (answer := self._answer(sent["Command"]["CommandId"], instance))["Status"] in _RUNNING:
                if time.monotonic() >= give_up:
                    raise OperatorError(
                        f"{instance} did not answer within {self.command_seconds / 60:.0f} minutes.",
                        hint=f"Look at its log: quintet logs {self.deployed.stack.name} gunicorn",
                    )
                time.sleep(self.poll_seconds)
            if answer["Status"] != "Success":
                said = printable(answer.get("StandardErrorContent", "").strip()[-1000:].replace("\n", " | "))
                raise OperatorError(
                    f"{instance} did not render: {answer['Status']}. It said: {said or 'nothing'}",
                    hint="No further webhead was touched. Mend the cause, then run the same again.",
                )

    def _answer(self, command_id: str, instance: str) -> dict[str, Any]:
        ssm = self.deployed.client("ssm")
        try:
            answer: dict[str, Any] = ssm.get_command_invocation(CommandId=command_id, InstanceId=instance)
        except ssm.exceptions.InvocationDoesNotExist:  # for a moment after it was sent
            return {"Status": "Pending"}
        return answer

    def _wait_for(self, expected: set[str]) -> None:
        give_up = time.monotonic() + self.health_seconds
        while True:
            missing = expected & set(self.instances()) - self._healthy()
            if not missing:
                return
            if time.monotonic() >= give_up:
                raise OperatorError(
                    f"{', '.join(sorted(missing))} is no longer healthy behind the load balancer.",
                    hint="No further webhead was touched. "
                    f"Look at its log: quintet logs {self.deployed.stack.name} gunicorn",
                )
            time.sleep(self.poll_seconds)

    def _healthy(self) -> set[str]:
        elb = self.deployed.client("elbv2")
        targets = [
            target
            for arn in self._group()["TargetGroupARNs"]
            for target in elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        ]
        return {target["Target"]["Id"] for target in targets if target["TargetHealth"]["State"] == "healthy"}

    def _group(self) -> dict[str, Any]:
        name = self.deployed.outputs.group
        groups = self.deployed.client("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=[name])
        if not groups["AutoScalingGroups"]:
            raise OperatorError(f"There is no Auto Scaling group {name}.", hint="Apply the stack again.")
        group: dict[str, Any] = groups["AutoScalingGroups"][0]
        return group

    def _say(self, text: str) -> None:
        self.console.print(f"  {text}")
