"""A Step Functions state machine, written as a file in the Amazon States Language."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from cdktf_cdktf_provider_aws.sfn_state_machine import (
    SfnStateMachine,
    SfnStateMachineLoggingConfiguration,
    SfnStateMachineTracingConfiguration,
)
from constructs import Construct

from modules.access import Grantable
from modules.log_group import LogGroup
from modules.order import Prerequisites
from modules.policy import allow, document
from modules.service_role import ServiceRole
from modules.stack import DeploymentStack
from modules.template import template_file
from modules.watches.watch import Watch

_DELIVER_LOGS = (
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
)
_TRACE = (
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
)


class StateMachine(Construct):
    """A standard state machine called `name` that logs every step and traces with X-Ray.

    `definition` is a template as `modules.template` knows it. It is changed while it runs without harm: executions end
    with the definition they began with.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        definition: Path,
        log_retention_days: int,
        log_level: Literal["ALL", "ERROR", "FATAL"] = "ALL",
        **values: str,
    ) -> None:
        super().__init__(scope, id_)
        stack = DeploymentStack.of_construct(self)
        account_id = stack.environment.account_id
        # known before the machine exists: the tasks that report to it are part of its definition
        self.arn: Final[str] = f"arn:aws:states:{stack.region}:{account_id}:stateMachine:{name}"
        self.name: Final[str] = name
        # AWS adds this prefix to the policy of its log delivery, whose size has a limit, only once
        group = LogGroup(self, "log", name=f"/aws/vendedlogs/states/{name}", retention_days=log_retention_days)
        self.log_group_name: Final[str] = group.name
        self._role = ServiceRole(
            self,
            "role",
            name=stack.physical_name(id_.replace("_", "-"), max_length=64),
            service="states.amazonaws.com",
            grantee_role=id_,
            conditions={"StringEquals": {"aws:SourceAccount": account_id}, "ArnLike": {"aws:SourceArn": self.arn}},
        )
        self._role.attach_policy(
            self,
            "observe",
            # neither service lets these be allowed for one resource
            document(
                allow("DeliverLogs", actions=_DELIVER_LOGS, resources=["*"]),
                allow("Trace", actions=_TRACE, resources=["*"]),
            ),
        )
        self._machine = SfnStateMachine(
            self,
            "Default",
            name=name,
            type="STANDARD",
            role_arn=self._role.arn,
            definition=template_file(self, definition, **values),
            logging_configuration=SfnStateMachineLoggingConfiguration(
                level=log_level, include_execution_data=True, log_destination=f"{group.arn}:*"
            ),
            tracing_configuration=SfnStateMachineTracingConfiguration(enabled=True),
        )
        self.itself: Final[Prerequisites] = Prerequisites(self._machine)
        """For what starts it by its ARN, which is known before it exists."""
        self._role.rights.hold_back(self._machine)  # it is refused when its role may not deliver logs yet

    @property
    def grantee_role(self) -> str:
        """Its name in the ids of grants."""
        return self.node.id

    def attach_policy(self, scope: Construct, id_: str, policy: str) -> None:
        """Attaches a policy document to the machine's role."""
        self._role.attach_policy(scope, id_, policy)

    def grant_start(self, grantee: Grantable) -> None:
        """Lets `grantee` start executions."""
        policy = document(allow("Start", actions=["states:StartExecution"], resources=[self.arn]))
        grantee.attach_policy(self, f"start_by_{grantee.grantee_role}", policy)

    def grant_report(self, grantee: Grantable) -> None:
        """Lets `grantee` report how far a task is that the machine waits for."""
        policy = document(
            allow(
                "Report",
                actions=["states:SendTaskFailure", "states:SendTaskHeartbeat", "states:SendTaskSuccess"],
                # cannot be allowed for one machine: who may report is decided by who has the task's token
                resources=["*"],
            )
        )
        grantee.attach_policy(self, f"report_by_{grantee.grantee_role}", policy)

    def watches(self) -> Sequence[Watch]:
        """Executions that did not end well."""
        watched = {"failed": "ExecutionsFailed", "timed_out": "ExecutionsTimedOut", "aborted": "ExecutionsAborted"}
        return [
            Watch(
                role=role,
                description=f"An execution {role.replace('_', ' ')}: look at its graph, or quintet … failures",
                namespace="AWS/States",
                metric_name=metric,
                dimensions={"StateMachineArn": self._machine.arn},
                statistic="Sum",
                threshold=0,
                period_seconds=300,
                evaluation_periods=1,
            )
            for role, metric in watched.items()
        ]
