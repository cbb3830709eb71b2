"""Functions run, state machines run and call them, and events reach both, all as the account they belong to."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Aws = Callable[..., Any]

CODE = """
import os
import boto3
import helper

def handler(event, context):
    print("called with", event)
    if event.get("fail"):
        raise ValueError("asked to")
    boto3.client("sns").create_topic(Name="made-by-" + context.function_name)
    return {
        "event": event,
        "stage": os.environ["STAGE"],
        "helper": helper.NAME,
        "account": boto3.client("sts").get_caller_identity()["Account"],
        "in_time": 0 < context.get_remaining_time_in_millis() <= 30000,
    }

def exits(event, context):
    os._exit(3)

def sleeps(event, context):
    import time
    time.sleep(60)
"""

SLOW = """
import time
time.sleep(1.5)

def handler(event, context):
    return "ready"
"""


def _zip(**files: str) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, text in files.items():
            archive.writestr(name.replace("__", "/") + ".py", text)
    return packed.getvalue()


@pytest.fixture
def role(aws: Aws) -> str:
    services = ["lambda.amazonaws.com", "states.amazonaws.com", "events.amazonaws.com"]
    statement = {"Effect": "Allow", "Principal": {"Service": services}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [statement]}
    arn: str = aws("iam").create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    rights = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
    aws("iam").put_role_policy(RoleName="r", PolicyName="everything", PolicyDocument=json.dumps(rights))
    return arn


@pytest.fixture
def function(aws: Aws, role: str) -> str:
    layer = aws("lambda").publish_layer_version(
        LayerName="helper", Content={"ZipFile": _zip(python__helper="NAME = 'layer'")}
    )
    return _function(aws, role, "main.handler", Layers=[layer["LayerVersionArn"]], Timeout=30)


def _function(aws: Aws, role: str, handler: str, **settings: Any) -> str:
    arn: str = aws("lambda").create_function(
        FunctionName="f",
        Runtime="python3.12",
        Role=role,
        Handler=handler,
        Code={"ZipFile": _zip(main=CODE, slow=SLOW, **({} if "Layers" in settings else {"helper": "NAME = 'own'"}))},
        Environment={"Variables": {"STAGE": "dev"}},
        **settings,
    )["FunctionArn"]
    return arn


def _invoke(aws: Aws, event: Any) -> tuple[Any, str | None]:
    answer = aws("lambda").invoke(FunctionName="f", Payload=json.dumps(event))
    return json.loads(answer["Payload"].read()), answer.get("FunctionError")


def test_a_python_function_runs_with_layer_environment_and_account(aws: Aws, function: str, account: str) -> None:
    answer, error = _invoke(aws, {"n": 1})
    assert error is None
    assert answer == {"event": {"n": 1}, "stage": "dev", "helper": "layer", "account": account, "in_time": True}
    assert "made-by-f" in str(aws("sns").list_topics()["Topics"])


def test_what_a_function_prints_is_in_its_log_group(aws: Aws, function: str) -> None:
    _invoke(aws, {"n": 1})
    events = aws("logs").filter_log_events(logGroupName="/aws/lambda/f")["events"]
    assert any("called with {'n': 1}" in event["message"] for event in events)


def test_an_exception_is_the_answer(aws: Aws, function: str) -> None:
    answer, error = _invoke(aws, {"fail": True})
    assert error == "Unhandled"
    assert (answer["errorType"], answer["errorMessage"]) == ("ValueError", "asked to")


@pytest.mark.parametrize(
    ("handler", "kind"), [("main.exits", "Runtime.ExitError"), ("main.sleeps", "Sandbox.Timedout")]
)
def test_a_function_that_ends_or_takes_too_long_is_reported(aws: Aws, role: str, handler: str, kind: str) -> None:
    _function(aws, role, handler, Timeout=1)
    answer, error = _invoke(aws, {})
    assert (error, answer["errorType"]) == ("Unhandled", kind)


def test_the_time_a_function_takes_to_start_does_not_count(aws: Aws, role: str) -> None:
    _function(aws, role, "slow.handler", Timeout=1)
    answer, error = _invoke(aws, {})
    assert (answer, error) == ("ready", None)


def test_other_runtimes_are_refused_and_not_pretended(aws: Aws, role: str) -> None:
    aws("lambda").create_function(
        FunctionName="f", Runtime="nodejs22.x", Role=role, Handler="x.y", Code={"ZipFile": _zip(x="")}
    )
    with pytest.raises(ClientError, match="NotImplemented"):
        _invoke(aws, {})


def test_a_functions_settings_are_kept_and_changed(aws: Aws, role: str, account: str) -> None:
    queue = f"arn:aws:sqs:eu-central-1:{account}:dead"
    logging = {"LogFormat": "JSON", "LogGroup": "/own", "ApplicationLogLevel": "INFO"}
    _function(aws, role, "main.handler", DeadLetterConfig={"TargetArn": queue}, LoggingConfig=logging)
    configuration = aws("lambda").get_function_configuration(FunctionName="f")
    assert configuration["DeadLetterConfig"] == {"TargetArn": queue}
    assert configuration["LoggingConfig"] == logging
    changed = aws("lambda").update_function_configuration(
        FunctionName="f", TracingConfig={"Mode": "Active"}, EphemeralStorage={"Size": 1024}
    )
    assert (changed["TracingConfig"]["Mode"], changed["EphemeralStorage"]["Size"]) == ("Active", 1024)


def _machine(aws: Aws, role: str, states: dict[str, Any], start: str) -> str:
    definition = json.dumps({"StartAt": start, "States": states})
    arn: str = aws("stepfunctions").create_state_machine(name="m", definition=definition, roleArn=role)[
        "stateMachineArn"
    ]
    return arn


def _ended(aws: Aws, execution: str) -> dict[str, Any]:
    described: dict[str, Any] = {"status": "RUNNING"}
    for _ in range(600):
        described = aws("stepfunctions").describe_execution(executionArn=execution)
        if described["status"] != "RUNNING":
            break
        time.sleep(0.1)
    return described


def test_a_state_machine_really_calls_functions_and_services(aws: Aws, role: str, function: str, account: str) -> None:
    aws("dynamodb").create_table(
        TableName="t",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    call = {"FunctionName": function, "Payload.$": "$"}
    states = {
        "Call": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": call,
            "OutputPath": "$.Payload",
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Failed"}],
            "Next": "Keep",
        },
        "Keep": {
            "Type": "Task",
            "Resource": "arn:aws:states:::dynamodb:putItem",
            "Parameters": {"TableName": "t", "Item": {"id": {"S.$": "$.account"}}},
            "ResultPath": None,
            "End": True,
        },
        "Failed": {"Type": "Fail", "Error": "Stopped"},
    }
    machine = _machine(aws, role, states, "Call")
    good = aws("stepfunctions").start_execution(stateMachineArn=machine, input=json.dumps({"n": 2}))
    ended = _ended(aws, good["executionArn"])
    assert ended["status"] == "SUCCEEDED"
    assert json.loads(ended["output"])["event"] == {"n": 2}
    assert aws("dynamodb").scan(TableName="t")["Items"] == [{"id": {"S": account}}]
    bad = aws("stepfunctions").start_execution(stateMachineArn=machine, input=json.dumps({"fail": True}))
    assert (_ended(aws, bad["executionArn"])["status"], _ended(aws, bad["executionArn"])["error"]) == (
        "FAILED",
        "Stopped",
    )


@pytest.mark.parametrize(
    ("limits", "error"),
    [
        ({"HeartbeatSeconds": 1, "TimeoutSeconds": 60}, "States.HeartbeatTimeout"),
        ({"TimeoutSeconds": 1}, "States.Timeout"),
    ],
)
def test_a_missed_heartbeat_and_a_task_out_of_time_have_names_of_their_own(
    aws: Aws, role: str, limits: dict[str, int], error: str
) -> None:
    queue = aws("sqs").create_queue(QueueName="q")["QueueUrl"]
    wait = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": queue, "MessageBody.$": "$$.Task.Token"},
        **limits,
        "Catch": [
            {"ErrorEquals": ["States.HeartbeatTimeout"], "Next": "Silent"},
            {"ErrorEquals": ["States.Timeout"], "Next": "Late"},
        ],
        "End": True,
    }
    states = {"Wait": wait, "Silent": {"Type": "Pass", "End": True}, "Late": {"Type": "Pass", "End": True}}
    machine = _machine(aws, role, states, "Wait")
    execution = aws("stepfunctions").start_execution(stateMachineArn=machine, input="{}")["executionArn"]
    assert json.loads(_ended(aws, execution)["output"])["Error"] == error


def test_a_task_that_is_tried_again_has_a_token_of_its_own(aws: Aws, role: str) -> None:
    queue = aws("sqs").create_queue(QueueName="q")["QueueUrl"]
    wait = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": {"QueueUrl": queue, "MessageBody.$": "$$.Task.Token"},
        "TimeoutSeconds": 120,
        "Retry": [{"ErrorEquals": ["Again"], "IntervalSeconds": 1, "MaxAttempts": 1}],
        "End": True,
    }
    machine = _machine(aws, role, {"Wait": wait}, "Wait")
    states = aws("stepfunctions")
    execution = states.start_execution(stateMachineArn=machine, input="{}")["executionArn"]

    def token() -> str:
        message = aws("sqs").receive_message(QueueUrl=queue, WaitTimeSeconds=20)["Messages"][0]
        aws("sqs").delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return str(message["Body"])

    states.send_task_failure(taskToken=(first := token()), error="Again")
    second = token()
    with pytest.raises(ClientError, match="InvalidToken"):
        states.send_task_heartbeat(taskToken=first)
    states.send_task_success(taskToken=second, output='{"went": "well"}')
    ended = _ended(aws, execution)
    assert (ended["status"], json.loads(ended["output"])) == ("SUCCEEDED", {"went": "well"})


@pytest.mark.parametrize(
    ("definition", "code"),
    [
        ("{", "INVALID_JSON_DESCRIPTION"),
        ('{"StartAt": "A", "States": {"A": {"Type": "Wrong"}}}', "SCHEMA_VALIDATION_FAILED"),
        ('{"StartAt": "A", "States": {"A": {"Type": "Pass", "Next": "B"}}}', "MISSING_TRANSITION_TARGET"),
        (
            '{"StartAt": "A", "States": {"A": {"Type": "Map", "End": true, "ItemProcessor": '
            '{"StartAt": "Gone", "States": {"P": {"Type": "Pass", "End": true}}}}}}',
            "MISSING_TRANSITION_TARGET",
        ),
    ],
)
def test_a_broken_definition_is_found_when_planned(aws: Aws, definition: str, code: str) -> None:
    verdict = aws("stepfunctions").validate_state_machine_definition(definition=definition)
    assert verdict["result"] == "FAIL"
    assert code in [diagnostic["code"] for diagnostic in verdict["diagnostics"]]


def test_a_sound_definition_passes_and_versions_are_listed(aws: Aws, role: str) -> None:
    states = {"A": {"Type": "Pass", "End": True}}
    definition = json.dumps({"StartAt": "A", "States": states})
    verdict = aws("stepfunctions").validate_state_machine_definition(definition=definition)
    assert (verdict["result"], verdict["diagnostics"]) == ("OK", [])
    machine = _machine(aws, role, states, "A")
    assert aws("stepfunctions").list_state_machine_versions(stateMachineArn=machine)["stateMachineVersions"] == []
    aws("stepfunctions").update_state_machine(stateMachineArn=machine, roleArn=role, publish=True)
    versions = aws("stepfunctions").list_state_machine_versions(stateMachineArn=machine)["stateMachineVersions"]
    assert [version["stateMachineVersionArn"] for version in versions] == [f"{machine}:1"]


def test_events_reach_functions_topics_and_machines(aws: Aws, role: str, function: str) -> None:
    machine = _machine(aws, role, {"A": {"Type": "Pass", "End": True}}, "A")
    topic = aws("sns").create_topic(Name="t")["TopicArn"]
    queue = aws("sqs").create_queue(QueueName="q")["QueueUrl"]
    queue_arn = aws("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue_arn)
    aws("events").put_rule(Name="r", EventPattern=json.dumps({"source": ["test"]}))
    targets = {"f": function, "m": machine, "t": topic, "q": queue_arn, "other": f"{role}:x".replace(":iam:", ":ecs:")}
    aws("events").put_targets(Rule="r", Targets=[{"Id": name, "Arn": arn} for name, arn in targets.items()])

    aws("events").put_events(Entries=[{"Source": "test", "DetailType": "d", "Detail": json.dumps({"n": 3})}])

    logged = aws("logs").filter_log_events(logGroupName="/aws/lambda/f")["events"]
    assert any("'detail': {'n': 3}" in event["message"] for event in logged)
    executions = aws("stepfunctions").list_executions(stateMachineArn=machine)["executions"]
    assert _ended(aws, executions[0]["executionArn"])["status"] == "SUCCEEDED"
    messages = aws("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)["Messages"]
    bodies = [json.loads(message["Body"]) for message in messages]
    assert sorted("Message" in body for body in bodies) == [False, True]  # from the rule, and from the topic


def test_a_redrive_policy_has_no_blanks(aws: Aws, account: str) -> None:
    policy = {"deadLetterTargetArn": f"arn:aws:sqs:eu-central-1:{account}:dead", "maxReceiveCount": 3}
    aws("sqs").create_queue(QueueName="dead")
    queue = aws("sqs").create_queue(QueueName="q", Attributes={"RedrivePolicy": json.dumps(policy)})["QueueUrl"]
    read = aws("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["All"])["Attributes"]
    assert read["RedrivePolicy"] == json.dumps(policy, separators=(",", ":"))
    assert (
        "RedrivePolicy"
        not in aws("sqs").get_queue_attributes(
            QueueUrl=aws("sqs").get_queue_url(QueueName="dead")["QueueUrl"], AttributeNames=["All"]
        )["Attributes"]
    )
