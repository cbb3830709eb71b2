"""`quintet canvas …` as it is typed: help, dry runs that change nothing, and refusals with an exit code and no traceback.

AWS is the emulator, with as much in it as the commands look at; what they ask of it is written down.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from botocore.client import BaseClient

from config.limits import FACTS
from config.settings import ROOT
from deployments.canvas_data_2.day2 import DEPLOYMENT
from deployments.canvas_data_2.day2 import commands as canvas
from deployments.canvas_data_2.day2.destruction import DestructionNotes
from deployments.canvas_data_2.outputs import CanvasData2Outputs
from emulator.server import Emulator, aws_environment
from operations import cli
from operations.aws import Aws
from operations.stacks import find_stacks, only
from operations.state.one_operator import one_operator

pytestmark = pytest.mark.xdist_group("canvas-commands")  # one emulator
STACK = only(find_stacks(ROOT), f"{DEPLOYMENT}-dev")
SECRET = "the-clients-secret"
CHANGING: dict[str, list[str]] = {
    "put-credentials": [],
    "publish": [],
    "prepare-database": [],
    "rotate-user": [],
    "start": ["users", "courses"],
    "init-table": ["users"],
    "sync-table": ["users"],
}
"""Every command that changes something, with the arguments it is tried with."""
LOOKING = {"status", "failures", "destroy-notes"}
RESTORING = {"restore"}
"""Tried as every deployment's, in tests/deployments/test_restores.py."""
NAMES = [*CHANGING, *sorted(LOOKING)]


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """An emulator with the state of an applied stack and what its outputs name; its endpoint."""
    with Emulator.start(log=tmp_path_factory.mktemp("emulator") / "emulator.log", facts=FACTS) as emulator:
        aws = Aws(emulator.environment(account_id=STACK.account_id, region=STACK.region))
        fill(aws)
        yield {"endpoint": emulator.endpoint, "secret": emulator.secret}


def fill(aws: Aws) -> None:
    """Create what the commands look at, and the state whose outputs name it."""

    def client(service: str) -> Any:
        return aws.client(service, region=STACK.region)

    services = ["lambda.amazonaws.com", "states.amazonaws.com"]
    statement = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    role = client("iam").create_role(RoleName="any", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    definition = json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}})
    admin = json.dumps({"username": "cd2_admin", "password": "of the administrator"})
    login = json.dumps({"username": "canvas", "password": "of the pipeline"})
    outputs = CanvasData2Outputs(
        parameter_path="/dev/canvas_data_2",
        key_arn=client("kms").create_key()["KeyMetadata"]["Arn"],
        cluster_arn=f"arn:aws:rds:{STACK.region}:{STACK.account_id}:cluster:canvas",
        database_address="database.example",
        database_port="5432",
        database_name="cd2",
        database_user="canvas",
        namespaces="canvas",
        admin_secret_arn=client("secretsmanager").create_secret(Name="admin", SecretString=admin)["ARN"],
        user_secret_arn=client("secretsmanager").create_secret(Name="user", SecretString=login)["ARN"],
        schedule="refresh",
        topic_arn="arn:topic",
        summary_function="summarise",
        list_function="list",
        repository_url="repository",
        state_machine_arn=client("stepfunctions").create_state_machine(
            name="CD2RefreshStateMachine", definition=definition, roleArn=role
        )["stateMachineArn"],
        sync_function=client("lambda").create_function(
            FunctionName="sync", Runtime="python3.12", Role=role, Handler="a.b", Code={"ZipFile": b""}
        )["FunctionName"],
        image=client("ecr").create_repository(repositoryName="task")["repository"]["repositoryUri"] + ":abc",
        task_cluster_arn="arn:cluster",
        task_definition_arn="arn:definition",
        task_container="table_task",
        task_subnet_ids="subnet-1",
        task_security_group_id="sg-1",
        task_log_group="/task",
    )
    client("rds").create_db_cluster(
        DBClusterIdentifier="canvas",
        Engine="aurora-postgresql",
        MasterUsername="cd2_admin",
        MasterUserPassword="irrelevant",
    )
    assert STACK.backend is not None
    s3, where = aws.client("s3", region=STACK.backend.region), STACK.backend.region
    s3.create_bucket(Bucket=STACK.backend.bucket, CreateBucketConfiguration={"LocationConstraint": where})
    assert STACK.backend.lock_table is not None
    aws.client("dynamodb", region=where).create_table(
        TableName=STACK.backend.lock_table,
        KeySchema=[{"AttributeName": "LockID", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "LockID", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    state = {"outputs": {name: {"value": value, "sensitive": False} for name, value in outputs}}
    s3.put_object(Bucket=STACK.backend.bucket, Key=STACK.backend.key, Body=json.dumps(state))


@pytest.fixture
def operator(account: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Whoever types the commands: with the account's credentials, and the API's in the environment."""
    where = {"account_id": STACK.account_id, "region": STACK.region}
    variables = aws_environment(account["endpoint"], **where, secret=account["secret"])
    variables |= {"DAP_CLIENT_ID": "the-client", "DAP_CLIENT_SECRET": SECRET, "COLUMNS": "300"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    return account


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    """Every call to AWS, with its parameters, as it is made."""
    calls: list[tuple[str, dict[str, Any]]] = []
    original = BaseClient._make_api_call

    def noted(client: BaseClient, operation: str, parameters: dict[str, Any]) -> Any:
        calls.append((operation, parameters))
        return original(client, operation, parameters)

    monkeypatch.setattr(BaseClient, "_make_api_call", noted)
    return calls


def changes(calls: list[tuple[str, dict[str, Any]]]) -> list[str]:
    """The calls that do more than look, but for the operator's lock."""
    return [
        operation
        for operation, parameters in calls
        if parameters.get("TableName") != STACK.state.lock_table
        and not re.match(r"(Get|List|Describe|Head)[A-Z]", operation)
        and not (operation == "ExecuteStatement" and parameters["sql"].startswith("SELECT "))
    ]


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code and everything that was printed."""
    code = cli.run(["canvas", *arguments])
    said = capsys.readouterr()
    assert "Traceback" not in said.out + said.err
    return code, said.out + said.err


def test_the_commands_are_these() -> None:
    command = typer.main.get_command(canvas.app)
    commands: dict[str, Any] = command.commands  # type: ignore[attr-defined]
    dry = {name for name, found in commands.items() if "--dry-run" in {o for p in found.params for o in p.opts}}
    assert dry == {*CHANGING, *RESTORING}
    assert set(commands) == {*CHANGING, *LOOKING, *RESTORING}


@pytest.mark.parametrize("name", NAMES)
def test_every_command_says_what_it_does(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = run(capsys, name, "--help")
    assert code == 0
    assert "--environment" in said
    command: Any = typer.main.get_command(canvas.app)
    assert command.commands[name].help.split("\n")[0] in " ".join(said.split())


@pytest.mark.parametrize(("name", "arguments"), CHANGING.items())
def test_a_dry_run_looks_and_changes_nothing(
    name: str,
    arguments: list[str],
    operator: dict[str, Any],
    asked: list[tuple[str, dict[str, Any]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, said = run(capsys, name, *arguments, "--dry-run")
    assert code == 0, said
    assert re.search(r"\bwould\b", said, re.IGNORECASE), said
    assert asked
    assert changes(asked) == []
    assert SECRET not in said
    assert "of the pipeline" not in said


def test_without_the_dry_run_the_same_commands_do_change_something(
    operator: dict[str, Any], asked: list[tuple[str, dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(capsys, "put-credentials")[0] == 0
    assert changes(asked) == ["PutParameter", "PutParameter"]
    asked.clear()
    code, said = run(capsys, "start", "--no-wait")
    assert (code, changes(asked)) == (0, ["StartExecution"])
    assert "refreshes all tables" in said
    asked.clear()
    code, said = run(capsys, "put-credentials")
    assert (code, changes(asked)) == (0, [])
    assert "has this value already" in said
    assert SECRET not in said


@pytest.mark.parametrize("name", ["put-credentials", "publish", "prepare-database", "rotate-user"])
def test_a_command_that_changes_credentials_database_or_code_is_one_operators_at_a_time(
    name: str,
    operator: dict[str, Any],
    asked: list[tuple[str, dict[str, Any]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    with one_operator(Aws(), STACK, "somebody-elses"):
        asked.clear()
        code, said = run(capsys, name)
        assert run(capsys, name, "--dry-run")[0] == 0
    assert (code, changes(asked)) == (1, [])
    assert re.search(r"is locked: .*somebody-elses", said), said
    assert "quintet state unlock canvas-data-2-dev" in said


def test_credentials_are_asked_for_where_the_environment_has_none(
    operator: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("DAP_CLIENT_ID", "DAP_CLIENT_SECRET"):
        monkeypatch.delenv(name)
    hidden: dict[str, bool] = {}

    def prompt(text: str, *, hide_input: bool = False) -> str:
        hidden[text] = hide_input
        return "typed"

    monkeypatch.setattr(typer, "prompt", prompt)
    assert run(capsys, "put-credentials", "--dry-run")[0] == 0
    assert hidden == {"Client id": False, "Client secret": True}


def test_status_and_failures_only_look(
    operator: dict[str, Any], asked: list[tuple[str, dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = run(capsys, "start")
    assert (code, "succeeded" in said) == (0, True), said
    asked.clear()
    code, said = run(capsys, "status")
    assert (code, "succeeded" in said) == (0, True), said
    code, said = run(capsys, "failures")
    assert (code, "no table failed" in said) == (0, True), said
    assert changes(asked) == []


def test_notes_on_destroying_name_what_is_there_and_destroy_nothing(
    operator: dict[str, Any], asked: list[tuple[str, dict[str, Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = run(capsys, "destroy-notes")
    assert code == 0, said
    assert changes(asked) == []
    assert "AWS does not refuse to delete canvas." in said
    assert "No last snapshot is taken" in said
    assert "1. a snapshot that you keep: aws rds create-db-cluster-snapshot --db-cluster-identifier canvas" in said
    assert "2. in generated/stacks/canvas-data-2-dev: terraform destroy" in said


def test_notes_on_destroying_what_is_protected_name_the_last_snapshot_and_one_in_its_way() -> None:
    committed = json.loads((ROOT / "generated/stacks/canvas-data-2-prod/cdk.tf.json").read_text())
    database = committed["resource"]["aws_rds_cluster"]["database"]
    cluster = {"DBClusterIdentifier": database["cluster_identifier"], "DeletionProtection": True}
    stack = only(find_stacks(ROOT), f"{DEPLOYMENT}-prod")
    notes = DestructionNotes("prod")
    said = "\n".join(notes._notes(stack, cluster, database, [], "/prod/canvas_data_2"))
    assert "AWS refuses to delete canvas-data-2-prod-database." in said
    assert "A last snapshot is taken when it goes: canvas-data-2-prod-database-final." in said
    assert "2. protect_data = false in config/environments/prod.toml" in said
    assert (
        "aws ssm delete-parameters --names /prod/canvas_data_2/dap_client_id /prod/canvas_data_2/dap_client_secret"
        in said
    )
    blocked = "\n".join(notes._notes(stack, cluster, database, ["canvas-data-2-prod-database-final"], "/x"))
    assert "AWS will refuse" in blocked
    assert "--db-cluster-snapshot-identifier canvas-data-2-prod-database-final" in blocked


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["failures", "--execution", "no-such"], "No execution is called no-such."),
        (["init-table", "Users; DROP"], "'Users; DROP' is no table's name."),
        (
            ["sync-table", "users", "--namespace", "catalog"],
            "The namespace catalog is not replicated; there are: canvas.",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_with_exit_code_1(
    arguments: list[str], message: str, operator: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = run(capsys, *arguments)
    assert (code, message in said) == (1, True), said


def test_init_again_asks_first_and_without_a_yes_nothing_is_dropped(
    operator: dict[str, Any],
    asked: list[tuple[str, dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    code, said = run(capsys, "init-table", "users", "--again")
    assert code == 1
    assert "canvas.users of dev is dropped, and filled again from Canvas. Go on?" in said
    assert changes(asked) == []


def test_a_stack_that_is_not_applied_is_refused_with_what_to_do(
    operator: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    prod = only(find_stacks(ROOT), f"{DEPLOYMENT}-prod")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", prod.account_id)
    code, said = run(capsys, "prepare-database", "--environment", "prod")
    assert code == 1
    assert f"{prod.name} is not applied" in said
    assert f"Apply generated/stacks/{prod.name} first." in said


@pytest.mark.parametrize("value", ["  ", "two words", "x" * 5000])
def test_credentials_that_cannot_be_right_are_refused_before_they_are_stored(
    value: str,
    operator: dict[str, Any],
    asked: list[tuple[str, dict[str, Any]]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("DAP_CLIENT_SECRET", value)
    code, said = run(capsys, "put-credentials")
    assert code == 1
    assert "dap_client_secret" in said
    assert "two words" not in said
    assert changes(asked) == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["init-table"], "table"),
        (["status", "--number", "0"], "--number"),
        (["put-credentials", "--client-secret", "x"], "--client-secret"),
        (["no-such-command"], "no-such-command"),
    ],
)
def test_wrong_usage_is_refused_with_exit_code_2(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "300")
    code, said = run(capsys, *arguments)
    assert (code, message in said) == (2, True), said


def test_credentials_of_another_account_are_refused(
    operator: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "999988887777")
    code, said = run(capsys, "rotate-user")
    assert code == 1
    assert f"for account 999988887777, not for {STACK.account_id}" in said


def test_without_credentials_a_command_says_how_to_get_some(
    operator: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    code, said = run(capsys, "status")
    assert code == 1
    assert "There are no AWS credentials." in said


def test_an_aws_that_does_not_answer_is_an_error_in_one_line(
    operator: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    code, said = run(capsys, "start", "--dry-run")
    assert code == 1
    assert "AWS cannot be used" in said
