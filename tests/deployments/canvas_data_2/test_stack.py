"""Promises of the document about Canvas Data 2's infrastructure, in the Terraform JSON of each environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from config.settings import ROOT
from operations.docs.diagram import mermaid
from operations.terraform.toolchain.environment import tool_environment
from tests.deployments.stack_json import StackJson, has

ENVIRONMENTS = ("dev", "prod")
ASL_VALIDATOR = "asl-validator@4.0.0"


@pytest.fixture(params=ENVIRONMENTS)
def stack(request: pytest.FixtureRequest) -> StackJson:
    return StackJson(f"canvas-data-2-{request.param}")


@pytest.fixture
def dev() -> StackJson:
    return StackJson("canvas-data-2-dev")


@pytest.fixture
def prod() -> StackJson:
    return StackJson("canvas-data-2-prod")


def test_the_state_machine_is_called_as_documented(stack: StackJson) -> None:
    has(stack.resource("aws_sfn_state_machine.refresh"), name="CD2RefreshStateMachine", type="STANDARD")


def test_it_logs_every_step_and_traces(stack: StackJson) -> None:
    machine = stack.resource("aws_sfn_state_machine.refresh")
    has(machine["logging_configuration"], level="ALL", include_execution_data=True)
    has(machine["tracing_configuration"], enabled=True)
    assert stack.resource("aws_cloudwatch_log_group.refresh_log")["retention_in_days"] == 90


def test_it_runs_every_three_hours_within_ten_minutes(stack: StackJson) -> None:
    schedule = stack.resource("aws_scheduler_schedule.schedule")
    has(schedule, schedule_expression="rate(3 hours)", state="ENABLED")
    has(schedule["flexible_time_window"], mode="FLEXIBLE", maximum_window_in_minutes=10)
    assert schedule["target"]["arn"].endswith(":stateMachine:CD2RefreshStateMachine")


def test_the_scheduler_may_start_that_state_machine_and_nothing_else(stack: StackJson) -> None:
    (start,) = stack.policy("aws_iam_role_policy.refresh_start_by_schedule")
    assert start["Action"] == ["states:StartExecution"]
    assert [arn.rpartition(":")[2] for arn in start["Resource"]] == ["CD2RefreshStateMachine"]


def test_parameters_have_the_documented_names_and_are_not_terraforms(stack: StackJson) -> None:
    stage = stack.folder.name.rpartition("-")[2]
    for name in ("dap_client_id", "dap_client_secret"):
        for program in ("list_tables", "sync_table", "table_task"):
            (read,) = stack.policy(f"aws_iam_role_policy.{name}_read_by_{program}")
            assert [arn.rpartition(":")[2] for arn in read["Resource"]] == [f"parameter/{stage}/canvas_data_2/{name}"]
    assert not stack.resources("aws_ssm_parameter")
    document = json.loads((stack.folder / "cdk.tf.json").read_text())
    assert document["removed"] == [
        {"from": f"aws_ssm_parameter.{name}", "lifecycle": {"destroy": False}}
        for name in ("dap_client_id", "dap_client_secret")
    ]


def test_the_database_is_the_one_of_the_template(stack: StackJson) -> None:
    cluster = stack.resource("aws_rds_cluster.database")
    has(
        cluster, engine="aurora-postgresql", database_name="cd2", port=5432, backup_retention_period=7,
        storage_encrypted=True, enable_http_endpoint=True, manage_master_user_password=True,
    )  # fmt: skip
    has(cluster["serverlessv2_scaling_configuration"], min_capacity=0.5, max_capacity=4.0)
    assert int(cluster["engine_version"].split(".")[0]) >= 15
    has(stack.resource("aws_rds_cluster_instance.database_writer"), instance_class="db.serverless")


def test_clients_must_speak_tls(stack: StackJson) -> None:
    found = stack.resource("aws_rds_cluster_parameter_group.database_parameter_group")["parameter"]
    assert {parameter["name"]: parameter["value"] for parameter in found}["rds.force_ssl"] == "1"


def test_the_database_is_not_reachable_from_outside(stack: StackJson) -> None:
    for instance in stack.resources("aws_rds_cluster_instance").values():
        assert instance["publicly_accessible"] is False
    subnets = stack.resource("aws_db_subnet_group.database_subnet_group")["subnet_ids"]
    assert all("network_private_" in subnet for subnet in subnets)
    assert len(subnets) >= 2


def test_only_sync_and_task_reach_the_database(stack: StackJson) -> None:
    rules = stack.resources("aws_vpc_security_group_ingress_rule")
    group = "${aws_security_group.database_security_group.id}"
    opened = {rule["referenced_security_group_id"] for rule in rules.values() if rule["security_group_id"] == group}
    assert opened == {
        "${aws_security_group.sync_table_security_group.id}",
        "${aws_security_group.table_task_security_group.id}",
    }
    assert not [rule for rule in rules.values() if "cidr_ipv4" in rule]


def test_outward_only_https_is_open(stack: StackJson) -> None:
    rules = stack.resources("aws_vpc_security_group_egress_rule").values()
    assert {rule["from_port"] for rule in rules if "cidr_ipv4" in rule} == {443}


def test_in_prod_data_is_protected_and_in_dev_it_may_go(prod: StackJson, dev: StackJson) -> None:
    cluster = prod.resource("aws_rds_cluster.database")
    has(cluster, deletion_protection=True, skip_final_snapshot=False)
    assert cluster["final_snapshot_identifier"] == "canvas-data-2-prod-database-final"
    assert cluster["lifecycle"]["prevent_destroy"] is True
    has(dev.resource("aws_rds_cluster.database"), deletion_protection=False, skip_final_snapshot=True)


def test_in_prod_aws_is_reached_inside_the_network(prod: StackJson, dev: StackJson) -> None:
    services = {e["service_name"].rpartition("us-east-1.")[2] for e in prod.resources("aws_vpc_endpoint").values()}
    assert {"ssm", "secretsmanager", "states", "ecr.api", "ecr.dkr", "logs", "s3"} <= services
    assert "kms" not in services, "no program calls KMS: the services that it asks do"
    kinds = [e["vpc_endpoint_type"] for e in dev.resources("aws_vpc_endpoint").values()]
    assert "Interface" not in kinds


def test_the_small_functions_have_no_dependencies(stack: StackJson) -> None:
    import zipfile

    for name in ("list_tables", "summarise"):
        with zipfile.ZipFile(stack.folder / f"{name}.zip") as archive:
            text = "".join(archive.read(entry).decode() for entry in archive.namelist())
        imported = set(re.findall(r"^(?:import|from) (\w+)", text, re.MULTILINE))
        assert not imported & {"dap", "aiohttp", "asyncpg", "pysqlsync", "requests"}
    has(stack.resource("aws_lambda_function.list_tables"), timeout=120, memory_size=256)


def test_sync_has_all_the_time_that_lambda_gives(stack: StackJson) -> None:
    function = stack.resource("aws_lambda_function.sync_table")
    has(function, timeout=900, memory_size=2048)
    assert function["ephemeral_storage"]["size"] > 512


def test_large_tables_have_room_on_fargate(stack: StackJson) -> None:
    task = stack.resource("aws_ecs_task_definition.table_task")
    has(task, requires_compatibilities=["FARGATE"], cpu="1024", memory="8192")
    has(task["ephemeral_storage"], size_in_gib=80)
    (container,) = json.loads(task["container_definitions"])
    assert container["readonlyRootFilesystem"] is True
    assert container["image"].startswith("${aws_ecr_repository.table_task_repository.repository_url}:")


def test_the_image_is_that_of_the_committed_code(stack: StackJson) -> None:
    from modules.source_files import digest

    (container,) = json.loads(stack.resource("aws_ecs_task_definition.table_task")["container_definitions"])
    assert container["image"].rpartition(":")[2] == digest(ROOT / "deployments/canvas_data_2/runtime")


def actions(stack: StackJson, grantee: str) -> set[str]:
    policies = [name for name in stack.resources("aws_iam_role_policy") if name.endswith(f"_by_{grantee}")]
    statements = [s for name in policies for s in stack.policy(f"aws_iam_role_policy.{name}")]
    return {action for statement in statements for action in statement["Action"]}


def test_each_role_may_do_what_its_step_uses(stack: StackJson) -> None:
    logs = {"logs:CreateLogStream", "logs:PutLogEvents"}
    secret = "secretsmanager:GetSecretValue"
    reports = {"states:SendTaskFailure", "states:SendTaskHeartbeat", "states:SendTaskSuccess"}
    assert actions(stack, "list_tables") == {*logs, "kms:Decrypt", "ssm:GetParameter"}
    assert actions(stack, "sync_table") == {*logs, "kms:Decrypt", "ssm:GetParameter", secret}
    assert actions(stack, "summarise") == logs
    assert actions(stack, "table_task") == {"kms:Decrypt", "ssm:GetParameter", secret, *reports}
    publishes = {"sns:Publish", "kms:Decrypt", "kms:GenerateDataKey*"}
    assert actions(stack, "refresh") == {"lambda:InvokeFunction", "ecs:RunTask", "iam:PassRole", *publishes}


def test_nobody_in_the_pipeline_reads_the_administrators_secret(stack: StackJson) -> None:
    for name in stack.resources("aws_iam_role_policy"):
        assert "master_user_secret" not in json.dumps(stack.policy(f"aws_iam_role_policy.{name}"))


def test_refreshes_are_reported_to_a_topic_and_failures_ring(stack: StackJson) -> None:
    stage = stack.folder.name.rpartition("-")[2]
    has(
        stack.resource("aws_sns_topic.refreshes"),
        display_name=f"Canvas Data 2 Synchronization Workflow ({stage})",
    )
    alarms = {alarm["metric_name"] for alarm in stack.resources("aws_cloudwatch_metric_alarm").values()}
    assert {"ExecutionsFailed", "ExecutionsTimedOut", "ExecutionsAborted"} <= alarms


def test_settings_of_the_document_reach_the_functions(stack: StackJson) -> None:
    variables = stack.resource("aws_lambda_function.list_tables")["environment"]["variables"]
    stage = stack.folder.name.rpartition("-")[2]
    assert variables["SSM_PATH"] == f"/{stage}/canvas_data_2"
    assert {"LOG_LEVEL", "NAMESPACES", "SKIP_TABLES", "DAP_API_URL"} <= set(variables)


def test_no_secret_stands_in_anything_committed(stack: StackJson) -> None:
    has(stack.resource("aws_rds_cluster.database"), manage_master_user_password=True)
    assert "master_password" not in stack.resource("aws_rds_cluster.database")
    assert "aws_secretsmanager_secret_version" not in stack.document["resource"]


def test_the_picture_shows_what_starts_the_machine_and_the_task_where_it_runs(stack: StackJson) -> None:
    lines = [line.strip() for line in mermaid(stack.document).splitlines()]
    assert 'schedule -. "start" .-> refresh' in lines
    assert 'refresh -. "run" .-> table_task' in lines
    assert 'table_task -- "TCP 5432" --> database' in lines
    inside = lines[lines.index(next(line for line in lines if "private subnets" in line)) : lines.index("end")]
    boxes = {line.split("[")[0] for line in inside[1:]}
    assert boxes == {"table_task", "list_tables", "summarise", "sync_table", "database"}


def machine(stack: StackJson) -> dict[str, Any]:
    """The definition with every name filled in."""
    text = (stack.folder / "refresh.asl.json").read_text()
    arguments = stack.resource("aws_sfn_state_machine.refresh")["definition"]
    for name in set(re.findall(r"\$\{(\w+)\}", text)):
        value = re.search(rf'"?{name}"? = "?([^",}}]+)', arguments)
        text = text.replace(f"${{{name}}}", value[1] if value and value[1].isdigit() else "1")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def tasks(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, state in definition["States"].items():
        if state["Type"] == "Task":
            found[name] = state
        if "ItemProcessor" in state:
            found |= tasks(state["ItemProcessor"])
    return found


def test_every_step_is_tried_again_as_upstream_does_with_jitter(stack: StackJson) -> None:
    for name, state in tasks(machine(stack)).items():
        assert state["Retry"], name
        assert all(retry["JitterStrategy"] == "FULL" for retry in state["Retry"]), name
        if "lambda" in state["Resource"] or "ecs" in state["Resource"]:
            first = state["Retry"][0]
            assert (first["IntervalSeconds"], first["MaxAttempts"], first["BackoffRate"]) == (2, 6, 6), name


def test_every_failure_of_a_table_is_caught_time_outs_too(stack: StackJson) -> None:
    steps = tasks(machine(stack))
    for name in ("SyncTable", "SyncTableAsTask", "InitTable"):
        assert steps[name]["Catch"][-1]["ErrorEquals"] == ["States.ALL"], name
        assert steps[name]["Catch"][-1]["Next"] in ("SyncFailed", "InitFailed")
    assert "States.Timeout" in steps["SyncTable"]["Catch"][0]["ErrorEquals"]


def test_what_took_all_its_time_is_not_begun_again(stack: StackJson) -> None:
    for name, state in tasks(machine(stack)).items():
        again = {error for retry in state["Retry"] for error in retry["ErrorEquals"]}
        assert not again & {"States.Timeout", "States.ALL"}, name
    for name in ("SyncTableAsTask", "InitTable"):
        again = {error for retry in tasks(machine(stack))[name]["Retry"] for error in retry["ErrorEquals"]}
        assert {"TaskStopped", "States.HeartbeatTimeout"} <= again


def test_the_states_of_failure_name_no_path_that_may_be_missing(stack: StackJson) -> None:
    states = machine(stack)["States"]["RefreshTables"]["ItemProcessor"]["States"]
    for name in ("SyncFailed", "InitFailed"):
        paths = {value for key, value in states[name]["Parameters"].items() if key.endswith(".$")}
        assert paths == {"$.namespace", "$.table_name", "$.caught.Error"}


def test_a_table_on_fargate_has_twelve_hours_and_a_heartbeat(stack: StackJson) -> None:
    for name in ("InitTable", "SyncTableAsTask"):
        state = tasks(machine(stack))[name]
        assert state["TimeoutSeconds"] == 12 * 3600
        assert state["HeartbeatSeconds"] == 300


def test_the_api_is_not_asked_for_too_many_tables_at_once(stack: StackJson) -> None:
    assert machine(stack)["States"]["RefreshTables"]["MaxConcurrency"] == 10


@pytest.mark.terraform  # as slow as those, and it fetches a package as they do
@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_independent_validator_finds_nothing_in_the_definition(environment: str, tmp_path: Path) -> None:
    text = json.dumps(machine(StackJson(f"canvas-data-2-{environment}")))
    text = text.replace('"Subnets": 1', '"Subnets": ["subnet-1"]')
    text = text.replace('"FunctionName": "1"', '"FunctionName": "arn:aws:lambda:us-east-1:111122223333:function:f"')
    (tmp_path / "definition.json").write_text(text)
    variables = {**os.environ, **tool_environment(ROOT)}
    variables.pop("NODE_OPTIONS", None)
    command = ["npx", "--yes", ASL_VALIDATOR, "--json-path", str(tmp_path / "definition.json")]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    broken = text.replace('"Next": "Summarise"', '"Next": "NoSuchState"')
    (tmp_path / "definition.json").write_text(broken)
    assert subprocess.run(command, env=variables, capture_output=True, check=False).returncode != 0
