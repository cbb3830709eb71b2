from __future__ import annotations

import json
from pathlib import Path

from config.components import ContainerTaskSettings, ScheduleSettings
from modules.container_task import ContainerTask
from modules.encryption_key import EncryptionKey
from modules.network import Network
from modules.schedule import Schedule
from modules.secure_parameter import SecureParameter
from modules.stack import DeploymentStack
from modules.state_machine import StateMachine
from modules.topic import Topic
from tests.modules.synth import assert_subset, sample_stack, synthesised
from tests.modules.test_database import NETWORK


def machine(stack: DeploymentStack, folder: Path) -> StateMachine:
    definition = folder / "work.asl.json"
    definition.write_text('{"StartAt": "A", "States": {"A": {"Type": "Pass", "Comment": "@{word}", "End": true}}}')
    return StateMachine(stack, "work", name="Work", definition=definition, log_retention_days=365, word="done")


def task(stack: DeploymentStack) -> ContainerTask:
    return ContainerTask(
        stack,
        "task",
        name="sample-task",
        network=Network(stack, "network", name="sample", settings=NETWORK),
        settings=ContainerTaskSettings(),
        image_tag="abc",
        environment={"B": "2", "A": "1"},
    )


def key(stack: DeploymentStack) -> EncryptionKey:
    return EncryptionKey(stack, "key", name="sample", description="of a sample")


def test_the_definition_is_a_file_beside_the_stack(tmp_path: Path) -> None:
    stack = sample_stack()
    machine(stack, tmp_path)
    found = synthesised(stack)
    assert '"Comment": "${word}"' in found.files["work.asl.json"].decode()
    assert "templatefile" in found.resource("aws_sfn_state_machine.work")["definition"]


def test_it_waits_for_the_right_to_deliver_logs(tmp_path: Path) -> None:
    stack = sample_stack()
    machine(stack, tmp_path)
    found = synthesised(stack).resource("aws_sfn_state_machine.work")
    assert found["depends_on"] == ["aws_iam_role_policy.work_observe"]
    assert found["logging_configuration"]["log_destination"] == "${aws_cloudwatch_log_group.work_log.arn}:*"


def test_only_step_functions_takes_its_role_on_and_for_this_machine_only(tmp_path: Path) -> None:
    stack = sample_stack()
    made = machine(stack, tmp_path)
    (statement,) = synthesised(stack).policy("aws_iam_role.work_role", "assume_role_policy").values()
    assert statement["Principal"] == {"Service": ["states.amazonaws.com"]}
    assert statement["Condition"]["ArnLike"] == {"aws:SourceArn": made.arn}


def test_a_schedule_starts_it_within_its_window(tmp_path: Path) -> None:
    stack = sample_stack()
    settings = ScheduleSettings(expression="rate(3 hours)", flexible_window_minutes=0)
    Schedule(stack, "schedule", name="s", settings=settings, target=machine(stack, tmp_path), key=key(stack))
    found = synthesised(stack)
    assert_subset(
        found.resource("aws_scheduler_schedule.schedule"),
        {"schedule_expression": "rate(3 hours)", "flexible_time_window": {"mode": "OFF"}},
    )
    assert found.policy("aws_iam_role_policy.work_start_by_schedule")["Start"]["Action"] == ["states:StartExecution"]


def test_a_task_runs_its_image_with_a_read_only_file_system_but_for_scratch() -> None:
    stack = sample_stack()
    task(stack)
    definition = synthesised(stack).resource("aws_ecs_task_definition.task")
    (container,) = json.loads(definition["container_definitions"])
    assert container["image"] == "${aws_ecr_repository.task_repository.repository_url}:abc"
    assert container["readonlyRootFilesystem"] is True
    assert [mount["containerPath"] for mount in container["mountPoints"]] == ["/scratch"]
    assert container["environment"][:2] == [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}]


def test_running_a_task_is_granted_in_its_cluster_with_its_roles_only(tmp_path: Path) -> None:
    stack = sample_stack()
    task(stack).grant_run(machine(stack, tmp_path))
    statements = synthesised(stack).policy("aws_iam_role_policy.task_run_by_work")
    assert statements["RunTask"]["Condition"] == {"ArnEquals": {"ecs:cluster": "${aws_ecs_cluster.task_cluster.arn}"}}
    assert statements["HandOverRoles"]["Condition"] == {
        "StringEquals": {"iam:PassedToService": "ecs-tasks.amazonaws.com"}
    }


def test_a_secure_parameter_is_a_name_that_states_forget_and_roles_may_read(tmp_path: Path) -> None:
    stack = sample_stack()
    parameter = SecureParameter(stack, "password", name="/a/b", key=key(stack))
    parameter.grant_read(machine(stack, tmp_path))
    found = synthesised(stack)
    assert not found.resources("aws_ssm_parameter")
    (read,) = found.policy("aws_iam_role_policy.password_read_by_work").values()
    assert [arn.rpartition(":")[2] for arn in read["Resource"]] == ["parameter/a/b"]
    (statement,) = found.policy("aws_iam_role_policy.key_decrypt_by_work").values()
    assert (statement["Action"], statement["Resource"]) == (["kms:Decrypt"], ["${aws_kms_key.key.arn}"])


def test_a_key_is_granted_once_whoever_asks_for_it(tmp_path: Path) -> None:
    stack = sample_stack()
    made, known = machine(stack, tmp_path), key(stack)
    known.grant_use(made)
    Topic(stack, "topic", name="t", display_name="T", key=known, emails=["a@example.org"]).grant_publish(made)
    found = synthesised(stack)
    assert [name for name in found.resources("aws_iam_role_policy") if name.startswith("key_use")] == [
        "key_use_by_work"
    ]
    assert set(found.resources("aws_sns_topic_subscription")) == {"topic_email_a_at_example_org"}
