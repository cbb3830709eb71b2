"""Programs that really run behind the API where a file says so."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from emulator.server import Emulator
from operations.aws import Aws
from operations.engines.postgresql import PostgreSql

ACCOUNT = "111122223333"
REGION = "us-east-1"


class Behind:
    """An emulator, and the file that says what is behind it."""

    def __init__(self, emulator: Emulator, file: Path) -> None:
        self.aws = Aws(emulator.environment(account_id=ACCOUNT, region=REGION))
        self.file = file

    def client(self, service: str) -> Any:
        return self.aws.client(service, region=REGION)


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[Behind]:
    file = tmp_path / "behind.json"
    with Emulator.start(log=tmp_path / "emulator.log", behind=file) as emulator:
        yield Behind(emulator, file)


def make_role(behind: Behind, name: str) -> str:
    """A role that may do everything."""
    iam = behind.client("iam")
    service = {"Service": ["states.amazonaws.com", "ecs-tasks.amazonaws.com"]}
    statement = {"Effect": "Allow", "Principal": service, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    arn: str = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    rights = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    iam.put_role_policy(RoleName=name, PolicyName="everything", PolicyDocument=json.dumps(rights))
    return arn


def register(behind: Behind) -> dict[str, Any]:
    """The task definition `work` in the cluster `c`; what it takes to run it."""
    ecs = behind.client("ecs")
    ecs.create_cluster(clusterName="c")
    behind.client("logs").create_log_group(logGroupName="/work")
    ecs.register_task_definition(
        family="work",
        taskRoleArn=make_role(behind, "work"),
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[
            {
                "name": "worker",
                "image": f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/work:1",
                "environment": [
                    {"name": "FROM_DEFINITION", "value": "definition"},
                    {"name": "BOTH", "value": "definition"},
                ],
                "logConfiguration": {
                    "logDriver": "awslogs",
                    "options": {"awslogs-group": "/work", "awslogs-stream-prefix": "w", "awslogs-region": REGION},
                },
            }
        ],
    )
    subnet = behind.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    return {"awsvpcConfiguration": {"subnets": [subnet], "securityGroups": []}}


def run_task(behind: Behind, **environment: str) -> dict[str, Any]:
    """A task of the image `work`, described once it has stopped."""
    ecs, network = behind.client("ecs"), register(behind)
    (task,) = ecs.run_task(
        cluster="c",
        taskDefinition="work",
        launchType="FARGATE",
        networkConfiguration=network,
        overrides={
            "containerOverrides": [
                {"name": "worker", "environment": [{"name": k, "value": v} for k, v in environment.items()]}
            ]
        },
    )["tasks"]
    for _ in range(600):
        (found,) = ecs.describe_tasks(cluster="c", tasks=[task["taskArn"]])["tasks"]
        if found["lastStatus"] == "STOPPED":
            return found
        time.sleep(0.1)
    raise AssertionError(f"it does not stop: {found}")


def test_a_task_is_a_process_where_a_file_says_so(behind: Behind) -> None:
    script = (
        "import boto3, os; print(os.environ['FROM_DEFINITION'], os.environ['BOTH'], os.environ['FROM_FILE']);"
        "print(boto3.client('sts').get_caller_identity()['Arn'].split('/')[1]); raise SystemExit(3)"
    )
    packages = os.pathsep.join(path for path in sys.path if path.endswith("site-packages"))
    own = {"FROM_FILE": "file", "PYTHONPATH": packages}
    container = {"command": [sys.executable, "-c", script], "environment": own}
    behind.file.write_text(json.dumps({"containers": {"work": container}}))
    task = run_task(behind, BOTH="override")
    assert task["containers"][0]["exitCode"] == 3
    number = task["taskArn"].rpartition("/")[2]
    logs = behind.client("logs")
    events = logs.get_log_events(logGroupName="/work", logStreamName=f"w/worker/{number}")["events"]
    assert [event["message"] for event in events] == ["definition override file", "work"]


def test_a_state_machine_waits_for_a_task(behind: Behind) -> None:
    script = (
        "import boto3, os;"
        "boto3.client('stepfunctions').send_task_success(taskToken=os.environ['TOKEN'], output='{\"done\": true}')"
    )
    packages = os.pathsep.join(path for path in sys.path if path.endswith("site-packages"))
    container = {"command": [sys.executable, "-c", script], "environment": {"PYTHONPATH": packages}}
    behind.file.write_text(json.dumps({"containers": {"work": container}}))
    vpc = register(behind)["awsvpcConfiguration"]
    role = make_role(behind, "machine")
    run = {
        "Type": "Task",
        "Resource": "arn:aws:states:::ecs:runTask.waitForTaskToken",
        "HeartbeatSeconds": 60,
        "Parameters": {
            "Cluster": "c",
            "TaskDefinition": "work",
            "LaunchType": "FARGATE",
            "NetworkConfiguration": {"AwsvpcConfiguration": {"Subnets": vpc["subnets"], "SecurityGroups": []}},
            "Overrides": {
                "ContainerOverrides": [
                    {"Name": "worker", "Environment": [{"Name": "TOKEN", "Value.$": "$$.Task.Token"}]}
                ]
            },
        },
        "End": True,
    }
    states = behind.client("stepfunctions")
    machine = states.create_state_machine(
        name="machine", roleArn=role, definition=json.dumps({"StartAt": "Run", "States": {"Run": run}})
    )["stateMachineArn"]
    execution = states.start_execution(stateMachineArn=machine, input="{}")["executionArn"]
    while (described := states.describe_execution(executionArn=execution))["status"] == "RUNNING":
        time.sleep(0.1)
    assert described["status"] == "SUCCEEDED", described
    assert json.loads(described["output"]) == {"done": True}


@pytest.mark.engines
def test_the_data_api_asks_the_database_that_a_file_names(behind: Behind, postgresql: PostgreSql) -> None:
    arn = f"arn:aws:rds:{REGION}:{ACCOUNT}:cluster:mine"
    server = {"host": postgresql.host, "port": postgresql.port, "database": "postgres"}
    behind.file.write_text(json.dumps({"databases": {"mine": server}}))
    login = {"username": postgresql.user, "password": postgresql.password}
    secret = behind.client("secretsmanager").create_secret(Name="login", SecretString=json.dumps(login))["ARN"]
    client = behind.client("rds-data")

    def execute(sql: str, **parameters: str) -> dict[str, Any]:
        given = [{"name": name, "value": {"stringValue": value}} for name, value in parameters.items()]
        answer: dict[str, Any] = client.execute_statement(
            resourceArn=arn, secretArn=secret, sql=sql, parameters=given, includeResultMetadata=True
        )
        return answer

    answer = execute("SELECT 1 AS one, :word::text AS word, NULL AS nothing", word="it's")
    assert answer["records"] == [[{"longValue": 1}, {"stringValue": "it's"}, {"isNull": True}]]
    assert [column["name"] for column in answer["columnMetadata"]] == ["one", "word", "nothing"]
    with pytest.raises(ClientError, match="SQLState: 42P01"):
        execute("SELECT * FROM no_such_table")
    with pytest.raises(ClientError, match="multiple commands"):
        execute("SELECT 1; SELECT 2")
