"""One table, initialised or synced on Fargate by an operator, with no execution of the state machine around it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from config.settings import ROOT
from deployments.canvas_data_2.day2.deployed import CanvasData2
from operations.aws import Aws, refusals_explained
from operations.errors import OperatorError

if TYPE_CHECKING:
    from rich.console import Console

    from deployments.canvas_data_2.outputs import CanvasData2Outputs

POLL_SECONDS = 5.0
_TABLE = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True)
class TableTask:
    """A task for one table: fill it from nothing, or bring it up to date."""

    action: Literal["init", "sync"]
    table: str
    namespace: str = "canvas"
    environment: str = "dev"
    again: bool = False
    """With init: the table is dropped first."""
    wait: bool = True
    dry_run: bool = False
    root: Path = ROOT
    aws: Aws = field(default_factory=Aws)
    sleep: Callable[[float], None] = time.sleep

    def run(self, console: Console) -> None:
        """Start the task and, unless told otherwise, say what it says until it ends; Ctrl-C leaves it running.

        Raises OperatorError when it is refused or fails.
        """
        if not _TABLE.fullmatch(self.table):
            raise OperatorError(f"{self.table!r} is no table's name.", hint="Small letters, digits and _: users")
        with refusals_explained():
            canvas = CanvasData2.applied(self.root, self.environment, self.aws)
            outputs = canvas.outputs
            if self.namespace not in outputs.namespaces.split(","):
                raise OperatorError(
                    f"The namespace {self.namespace} is not replicated; there are: {outputs.namespaces}.",
                    hint="Add it to dap.namespaces in the settings, and apply.",
                )
            what = f"{self.action} of {self.namespace}.{self.table}{', dropped first' if self.again else ''}"
            if self.dry_run:
                console.print(f"Would run a task of {outputs.image}: {what}.")
                return
            ecs = canvas.client("ecs")
            task = self._start(ecs, outputs)
            number = task.rpartition("/")[2]
            console.print(f"Task {number}: {what}.")
            if not self.wait:
                return
            ended = self._follow(ecs, outputs, task)
            for line in self._said(canvas, number):
                console.print(line)
            code = ended["containers"][0].get("exitCode")
            if code != 0:
                raise OperatorError(
                    f"The {what} failed: {ended.get('stoppedReason', 'no reason given')} (exit code {code}).",
                    hint=f"Its log: {outputs.task_log_group}",
                )
            console.print(f"Done: {what}.")

    def _start(self, ecs: Any, outputs: CanvasData2Outputs) -> str:
        variables = {"ACTION": self.action, "NAMESPACE": self.namespace, "TABLE_NAME": self.table}
        if self.again:
            variables["AGAIN"] = "yes"
        environment = [{"name": name, "value": value} for name, value in variables.items()]
        answer = ecs.run_task(
            cluster=outputs.task_cluster_arn,
            taskDefinition=outputs.task_definition_arn,
            launchType="FARGATE",
            count=1,
            networkConfiguration={
                "awsvpcConfiguration": {
                    "subnets": outputs.task_subnet_ids.split(","),
                    "securityGroups": [outputs.task_security_group_id],
                    "assignPublicIp": "DISABLED",
                }
            },
            overrides={"containerOverrides": [{"name": outputs.task_container, "environment": environment}]},
        )
        if answer["failures"]:
            reasons = ", ".join(failure.get("reason", "?") for failure in answer["failures"])
            raise OperatorError(f"Fargate did not start the task: {reasons}.")
        arn: str = answer["tasks"][0]["taskArn"]
        return arn

    def _follow(self, ecs: Any, outputs: CanvasData2Outputs, task: str) -> dict[str, Any]:
        while True:
            (described,) = ecs.describe_tasks(cluster=outputs.task_cluster_arn, tasks=[task])["tasks"]
            if described["lastStatus"] == "STOPPED":
                found: dict[str, Any] = described
                return found
            self.sleep(POLL_SECONDS)

    def _said(self, canvas: CanvasData2, number: str) -> list[str]:
        logs, outputs = canvas.client("logs"), canvas.outputs
        container = outputs.task_container
        try:
            events = logs.get_log_events(
                logGroupName=outputs.task_log_group,
                logStreamName=f"{container}/{container}/{number}",
                startFromHead=True,
            )["events"]
        except logs.exceptions.ResourceNotFoundException:
            return []  # it ended before it said anything
        return [event["message"] for event in events]
