"""Canvas Data 2 from schedule to rows, everything real but AWS and Canvas themselves; see `pipeline`."""

from __future__ import annotations

import io
import json
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deployments.canvas_data_2.day2.executions import Execution
from deployments.canvas_data_2.day2.publish import PipelinePublication
from deployments.canvas_data_2.day2.rehearsal.dap_api import CLIENT_SECRET, DapApi, SourceTable
from deployments.canvas_data_2.day2.rehearsal.pipeline import Pipeline
from deployments.canvas_data_2.day2.table_task import TableTask
from deployments.canvas_data_2.day2.user import DatabaseUser
from operations.console import new_console
from operations.engines.authority import CertificateAuthority
from operations.engines.postgresql import PostgreSql
from operations.errors import OperatorError
from tests.deployments.canvas_data_2.day2.rehearsal.applied import ENVIRONMENT, applied
from tests.deployments.canvas_data_2.sources import users

STATE = {"type": "string", "enum": ["active", "deleted"]}
SCORE = {"type": "number", "format": "float64"}

pytestmark = [pytest.mark.engines, pytest.mark.terraform(minutes=8), pytest.mark.xdist_group("canvas-end-to-end")]


@pytest.fixture(scope="module")
def canvas(tmp_path_factory: pytest.TempPathFactory, postgresql: PostgreSql) -> Iterator[Pipeline]:
    """The applied stack, its database prepared, and an API with three tables; tests follow one another in it."""
    with DapApi() as api:
        api.tables["users"] = users(500)
        for name in ("courses", "enrollments"):
            api.tables[name] = SourceTable({"title": {"type": "string"}, "state": STATE, "score": SCORE})
            for key in range(1, 20):
                api.tables[name].put(
                    key, title=f"{name} {key}\nsecond line \\ backslash", state="active", score=key + 0.25
                )
        with applied(tmp_path_factory.mktemp("canvas"), postgresql, api) as ready:
            ready.prepare()
            yield ready


def why(execution: Execution) -> str:
    """Text of a failed assertion; pytest cuts off the execution itself."""
    return f"{execution.error}: {execution.failed}"


def test_the_first_run_initialises_every_table(canvas: Pipeline) -> None:
    execution = canvas.refresh()
    assert execution.status == "SUCCEEDED", why(execution)
    assert canvas.states(execution) == dict.fromkeys(canvas.api.tables, "complete")
    assert canvas.is_exact(*canvas.api.tables)
    (notification,) = canvas.notifications()
    assert notification["Subject"] == "Canvas Data 2 (dev): 3 of 3 tables refreshed, 0 failed"
    assert json.loads(notification["Message"])["counts"]["initialised"] == 3


def test_the_second_run_syncs_what_changed(canvas: Pipeline) -> None:
    source = canvas.api.tables["users"]
    source.put(7, name="changed", points=0)
    source.put(1000, name="added", points=None)
    source.delete(8)
    execution = canvas.refresh()
    assert execution.status == "SUCCEEDED", why(execution)
    assert canvas.is_exact(*canvas.api.tables)
    (notification,) = canvas.notifications()
    counts = json.loads(notification["Message"])["counts"]
    assert (counts["complete"], counts["initialised"]) == (3, 0)


def test_a_table_with_a_dependent_view_survives_a_column_change(canvas: Pipeline) -> None:
    canvas.replica.sql("CREATE VIEW public.best AS SELECT id, points FROM canvas.users")
    canvas.replica.sql("ALTER VIEW public.best OWNER TO canvas; COMMENT ON VIEW public.best IS 'kept'")
    canvas.replica.sql("GRANT CREATE ON SCHEMA public TO canvas")
    source = canvas.api.tables["users"]
    source.columns["points"] = {"type": "string"}
    for key, row in list(source.rows.items()):
        source.put(key, name=row["name"], points=f"{row['points']} points")
    execution = canvas.refresh("users")
    assert canvas.states(execution) == {"users": "complete_with_update"}
    assert canvas.is_exact("users")
    assert canvas.replica.sql("SELECT points FROM public.best WHERE id = 7") == "0 points"
    assert canvas.replica.sql("SELECT obj_description('public.best'::regclass)") == "kept"
    assert json.loads(canvas.notifications()[-1]["Message"])["updated_schema"] == ["canvas.users"]


def test_a_table_that_fails_is_reported_and_stops_no_other(canvas: Pipeline) -> None:
    functions, name = canvas.client("lambda"), canvas.outputs.sync_function
    given = functions.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
    functions.update_function_configuration(
        FunctionName=name, Environment={"Variables": {**given, "API_ATTEMPTS": "1"}}
    )
    canvas.api.faults.broken.add("courses")
    canvas.api.tables["enrollments"].put(1, title="changed", state="deleted")
    execution = canvas.refresh()
    canvas.api.faults.broken.clear()
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": given})
    assert canvas.states(execution) == {"courses": "failed", "enrollments": "complete", "users": "complete"}
    assert canvas.is_exact("users", "enrollments")
    assert (execution.status, execution.error.partition(":")[0]) == ("FAILED", "TablesFailed")
    notification = canvas.notifications()[-1]
    assert notification["Subject"] == "Canvas Data 2 (dev): 2 of 3 tables refreshed, 1 failed"
    (failed,) = json.loads(notification["Message"])["failed"]
    assert (failed["table"], failed["step"]) == ("canvas.courses", "sync")
    assert re.match(r"ProcessingError \(type ProcessingError, uuid [0-9a-f-]{36}\): the job broke$", failed["error"])


def test_a_sync_that_is_out_of_time_is_handed_over_to_fargate(canvas: Pipeline) -> None:
    functions, name = canvas.client("lambda"), canvas.outputs.sync_function
    given = functions.get_function_configuration(FunctionName=name)
    variables = given["Environment"]["Variables"]
    hurried = {**variables, "HAND_OVER_SECONDS": str(given["Timeout"] - 4)}
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": hurried})
    canvas.api.faults.slow["courses"] = 8
    canvas.api.tables["courses"].put(1, title="slow", state="deleted")
    execution = canvas.refresh("courses")
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    canvas.api.faults.slow.clear()
    assert canvas.states(execution) == {"courses": "complete"}, why(execution)
    assert canvas.is_exact("courses")
    tasks = canvas.client("ecs").list_tasks(cluster=canvas.outputs.task_cluster_arn, desiredStatus="STOPPED")
    assert tasks["taskArns"]


def test_a_sync_that_lambda_ends_is_handed_over_as_well(canvas: Pipeline) -> None:
    functions, name = canvas.client("lambda"), canvas.outputs.sync_function
    given = functions.get_function_configuration(FunctionName=name)
    late = {**given["Environment"]["Variables"], "HAND_OVER_SECONDS": "-600"}
    functions.update_function_configuration(FunctionName=name, Timeout=6, Environment={"Variables": late})
    canvas.api.faults.slow["courses"] = 9
    canvas.api.tables["courses"].put(2, title="slower", state="deleted")
    execution = canvas.refresh("courses")
    functions.update_function_configuration(
        FunctionName=name, Timeout=given["Timeout"], Environment=given["Environment"]
    )
    canvas.api.faults.slow.clear()
    assert canvas.states(execution) == {"courses": "complete"}, why(execution)
    assert canvas.is_exact("courses")


def test_a_throttled_api_is_waited_for(canvas: Pipeline) -> None:
    canvas.api.faults.throttled["/dap/query/canvas/table"] = 3
    canvas.api.tables["enrollments"].put(2, title="after the wait", state="deleted")
    execution = canvas.refresh()
    assert execution.status == "SUCCEEDED", why(execution)
    assert canvas.is_exact(*canvas.api.tables)


def test_a_killed_task_is_begun_again_without_duplicate_rows(canvas: Pipeline) -> None:
    canvas.api.tables["late"] = users(300)
    marker = canvas.behind.with_name("killed-once")
    canvas.run_containers_as(
        [sys.executable, "-c", KILLED_ONCE.format(marker=str(marker), runtime=str(canvas.runtime))]
    )
    execution = canvas.refresh("late")
    canvas.run_containers_as([sys.executable, "-m", "cd2.task"])
    assert marker.exists()
    assert canvas.states(execution) == {"late": "complete"}, why(execution)
    assert canvas.is_exact("late")


KILLED_ONCE = """
import os, pathlib, signal, sys
sys.path.insert(0, {runtime!r})
import dap.replicator.sql_op_init as init
from cd2 import task
marker = pathlib.Path({marker!r})
if not marker.exists():
    async def die(*_, **__):
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    init.initdb_insert_table_metadata = die  # all rows are in, the table does not count as filled yet
sys.exit(task.main())
"""


def test_a_stopped_task_is_begun_again_at_once(canvas: Pipeline) -> None:
    canvas.api.tables["stopped"] = users(50)
    marker = canvas.behind.with_name("stopped-once")
    canvas.run_containers_as(
        [sys.executable, "-c", STOPPED_ONCE.format(marker=str(marker), runtime=str(canvas.runtime))]
    )
    execution = canvas.refresh("stopped")
    canvas.run_containers_as([sys.executable, "-m", "cd2.task"])
    assert marker.exists()
    assert canvas.states(execution) == {"stopped": "complete"}, why(execution)
    assert canvas.is_exact("stopped")


STOPPED_ONCE = """
import os, pathlib, signal, sys
sys.path.insert(0, {runtime!r})
import dap.replicator.sql_op_init as init
from cd2 import task
marker = pathlib.Path({marker!r})
insert = init.initdb_insert_table_metadata
if not marker.exists():
    async def stop(*_, **__):
        marker.touch()
        os.kill(os.getpid(), signal.SIGTERM)
        import asyncio
        await asyncio.sleep(30)
    init.initdb_insert_table_metadata = stop
sys.exit(task.main())
"""


def test_a_task_that_takes_all_its_time_is_given_up_once_and_ends(canvas: Pipeline) -> None:
    states, arn = canvas.client("stepfunctions"), canvas.outputs.state_machine_arn
    definition = states.describe_state_machine(stateMachineArn=arn)["definition"]
    hurried = json.loads(definition)
    init = hurried["States"]["RefreshTables"]["ItemProcessor"]["States"]["InitTable"]
    init |= {"TimeoutSeconds": 8, "HeartbeatSeconds": 7}
    states.update_state_machine(stateMachineArn=arn, definition=json.dumps(hurried))
    canvas.api.tables["endless"] = users(3)
    canvas.api.faults.slow["endless"] = 60
    execution = canvas.refresh("endless")
    states.update_state_machine(stateMachineArn=arn, definition=definition)
    (failed,) = execution.failed
    assert (failed.name, failed.error) == ("canvas.endless", "States.Timeout")
    (report,) = json.loads(canvas.notifications()[-1]["Message"])["failed"]
    assert report == {"table": "canvas.endless", "step": "init", "error": "States.Timeout"}
    history = states.get_paginator("get_execution_history").paginate(executionArn=execution.arn)
    started = [event for page in history for event in page["events"] if event["type"] == "TaskSubmitted"]
    assert len(started) == 1
    ecs, cluster = canvas.client("ecs"), canvas.outputs.task_cluster_arn
    give_up = time.monotonic() + 60
    while ecs.list_tasks(cluster=cluster, desiredStatus="RUNNING")["taskArns"]:
        assert time.monotonic() < give_up, "nobody waits for the task, and yet it runs"
        time.sleep(0.5)
    del canvas.api.tables["endless"], canvas.api.faults.slow["endless"]


def test_the_execution_fails_when_the_tables_cannot_be_listed(canvas: Pipeline) -> None:
    canvas.notifications()
    canvas.api.faults.throttled["/ids/auth/login"] = 10_000
    ssm, path = canvas.client("ssm"), canvas.outputs.parameter_path
    secret = ssm.get_parameter(Name=f"{path}/dap_client_secret", WithDecryption=True)["Parameter"]["Value"]
    canvas.api.faults.throttled.clear()
    ssm.put_parameter(Name=f"{path}/dap_client_secret", Value="wrong", Type="SecureString", Overwrite=True)
    execution = canvas.refresh()
    ssm.put_parameter(Name=f"{path}/dap_client_secret", Value=secret, Type="SecureString", Overwrite=True)
    assert (execution.status, execution.error.partition(":")[0]) == ("FAILED", "TablesNotListed")
    assert "could not be fetched" in canvas.notifications()[-1]["Subject"]


def test_one_table_can_be_initialised_and_synced_by_command(canvas: Pipeline) -> None:
    canvas.api.tables["large"] = users(200)
    said = io.StringIO()
    for action in ("init", "sync"):
        TableTask(action, "large", environment=ENVIRONMENT, aws=canvas.deployed.aws).run(
            new_console(file=said, width=400)
        )  # type: ignore[arg-type]
    assert canvas.is_exact("large")
    assert "Done: sync of canvas.large." in said.getvalue()
    canvas.replica.sql("UPDATE canvas.large SET name = 'changed by hand'")
    TableTask("init", "large", environment=ENVIRONMENT, again=True, aws=canvas.deployed.aws).run(
        new_console(file=said, width=400)
    )
    assert canvas.is_exact("large")
    with pytest.raises(OperatorError, match="exit code 1"):
        TableTask("init", "no_such_table", environment=ENVIRONMENT, aws=canvas.deployed.aws).run(
            new_console(file=said, width=400)
        )


def test_preparing_again_changes_nothing_and_a_new_password_is_used_at_once(canvas: Pipeline) -> None:
    secrets, arn = canvas.client("secretsmanager"), canvas.outputs.user_secret_arn
    before = json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])
    canvas.prepare()
    assert json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"]) == before
    said = io.StringIO()
    DatabaseUser(environment=ENVIRONMENT, aws=canvas.deployed.aws).rotate(new_console(file=said))
    canvas.point_secret_here()
    after = json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])
    assert after["password"] != before["password"]
    assert after["password"] not in said.getvalue()
    assert canvas.refresh("users").status == "SUCCEEDED"


def test_what_is_published_runs_the_function_and_names_the_image_of_the_task(canvas: Pipeline, tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n[ "$1" != login ] || cat > {tmp_path}/password\n')
    docker.chmod(0o755)
    said = io.StringIO()
    asked = PipelinePublication(
        environment=ENVIRONMENT,
        aws=canvas.deployed.aws,
        python=f"{sys.version_info.major}.{sys.version_info.minor}",
        ca_bundle=lambda: b"",
        docker=str(docker),
    )
    asked.run(new_console(file=said, width=200))
    image = canvas.outputs.image
    built, login, pushed = (tmp_path / "asked").read_text().splitlines()
    assert image in built
    assert pushed == f"push {image}"
    password = (tmp_path / "password").read_text()
    assert password
    assert password not in built + login + pushed + said.getvalue()
    function = canvas.client("lambda").get_function_configuration(FunctionName=canvas.outputs.sync_function)
    (layer,) = function["Layers"]
    assert "sync-table-libraries" in layer["Arn"]
    asked.run(new_console(file=said, width=200))
    assert "has its libraries already" in said.getvalue()
    execution = canvas.refresh("users")
    assert canvas.states(execution) == {"users": "complete"}, why(execution)


def test_the_database_is_reached_by_tls_only_and_its_certificate_is_verified(canvas: Pipeline) -> None:
    users = canvas.api.tables["users"]
    users.put(1, name="refused", points=None)
    with canvas.replica.server.certified_by(CertificateAuthority("somebody else")):
        execution = canvas.refresh("users")
    (failed,) = execution.failed
    assert "CERTIFICATE_VERIFY_FAILED" in failed.error
    assert not canvas.is_exact("users")
    assert canvas.refresh("users").status == "SUCCEEDED"
    assert canvas.is_exact("users")


def test_no_secret_stands_in_any_log(canvas: Pipeline) -> None:
    lines = canvas.log_lines()
    assert len(lines) > 50
    for secret in (canvas.login()["password"], CLIENT_SECRET, "X-Amz-Signature", "eyJ"):
        assert not [line for line in lines if secret in line], secret
