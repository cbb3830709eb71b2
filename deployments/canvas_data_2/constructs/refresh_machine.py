"""The state machine that refreshes every table."""

from __future__ import annotations

from pathlib import Path

from cdktf import Fn, Token

from deployments.canvas_data_2.constructs.programs import Programs
from deployments.canvas_data_2.settings import CanvasData2Settings
from modules.stack import DeploymentStack
from modules.state_machine import StateMachine
from modules.topic import Topic

NAME = "CD2RefreshStateMachine"
_DEFINITION = Path(__file__).parents[1] / "refresh.asl.json"


def refresh_machine(
    stack: DeploymentStack, settings: CanvasData2Settings, *, programs: Programs, topic: Topic
) -> StateMachine:
    """The machine, which may call every program and publish to `topic`; the task may report to it."""
    refresh, task = settings.refresh, programs.table_task
    machine = StateMachine(
        stack,
        "refresh",
        name=NAME,
        definition=_DEFINITION,
        log_retention_days=settings.log_retention_days,
        stage=settings.stage,
        list_tables=programs.list_tables.arn,
        sync_table=programs.sync_table.arn,
        summarise=programs.summarise.arn,
        topic_arn=topic.arn,
        cluster_arn=task.cluster_arn,
        task_definition_arn=task.definition_arn,
        container_name=task.container_name,
        subnet_ids=Token.as_string(Fn.jsonencode(list(task.subnet_ids))),
        security_group_id=task.connections.security_group_id,
        max_concurrency=str(refresh.max_concurrency),
        tolerated_failed_tables=str(refresh.tolerated_failed_tables),
        task_timeout_seconds=str(refresh.task_timeout_hours * 3600),
        task_heartbeat_seconds=str(refresh.task_heartbeat_seconds),
    )
    for function in (programs.list_tables, programs.sync_table, programs.summarise):
        function.grant_invoke(machine)
    task.grant_run(machine)
    machine.grant_report(task)
    topic.grant_publish(machine)
    return machine
