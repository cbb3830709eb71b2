"""Step Functions (`aws_sfn_state_machine`), which moto runs with a real interpreter.

* ValidateStateMachineDefinition, which Terraform calls when it plans, and ListStateMachineVersions are missing
* executions started without a name all get the same one, so that the second is refused
* `ecs:runTask` fails: its parameters and its answer are not put into the other's spelling
* a missed heartbeat is reported as States.Timeout, not as States.HeartbeatTimeout
* a task that is tried again keeps its token, and is taken at its first heartbeat for what the attempt before reported
* integrations (Lambda, DynamoDB, SQS …) call back as an unknown account, at a host name S3 clients cannot use
"""

from __future__ import annotations

import json
import sys
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import boto3
import botocore.session
from botocore.config import Config
from moto.core.responses import ActionResult
from moto.settings import moto_server_port
from moto.stepfunctions.parser import models as interpreter
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name import StatesErrorName
from moto.stepfunctions.parser.asl.component.common.error_name.states_error_name_type import StatesErrorNameType
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service import StateTaskService
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_callback import (
    StateTaskServiceCallback,
)
from moto.stepfunctions.parser.asl.component.state.exec.state_task.service.state_task_service_ecs import (
    StateTaskServiceEcs,
)
from moto.stepfunctions.parser.asl.eval.callback.callback import HeartbeatTimeoutError
from moto.stepfunctions.parser.asl.parse.asl_parser import AmazonStateLanguageParser, ASLParserException
from moto.stepfunctions.parser.asl.utils import boto_client
from moto.stepfunctions.responses import StepFunctionResponse

from emulator.code_rights import require
from emulator.gap import Gap
from emulator.identities import temporary_keys
from emulator.server import HOST
from emulator.store import Record

GAP = Gap("stepfunctions")

_LONGEST_TASK_SECONDS = 900


@GAP.action(StepFunctionResponse)
def validate_state_machine_definition(self: StepFunctionResponse) -> ActionResult:
    diagnostics = list(_diagnose(self._get_param("definition")))
    return ActionResult({"result": "FAIL" if diagnostics else "OK", "diagnostics": diagnostics, "truncated": False})


@GAP.action(StepFunctionResponse)
def list_state_machine_versions(self: StepFunctionResponse) -> ActionResult:
    machine = self.stepfunction_backend.describe_state_machine(self._get_param("stateMachineArn"))
    versions = sorted(machine.versions.items(), reverse=True)
    return ActionResult(
        {
            "stateMachineVersions": [
                {"stateMachineVersionArn": version.arn, "creationDate": version.creation_date}
                for _, version in versions
            ]
        }
    )


@GAP.around(interpreter.StepFunctionsParserBackend, "start_execution")
def named_when_nobody_names_it(
    original: Any,
    backend: interpreter.StepFunctionsParserBackend,
    state_machine_arn: str,
    name: str | None = None,
    *args: Any,
    **kwargs: Any,
) -> Any:
    require(f"The state machine {state_machine_arn.rpartition(':')[2]}")
    return original(backend, state_machine_arn, name or str(uuid.uuid4()), *args, **kwargs)


@GAP.also
def integrations_as_the_machines_role() -> None:
    """Give every module of the interpreter a client with keys of the state machine's role."""

    def client_of(region: str, service: str, state_credentials: Any = None) -> Any:
        keys = temporary_keys(state_credentials.role_arn, region=region, session_name="states")
        client = made(region, service, keys)
        if service == "ecs":
            # the interpreter looks after tasks; of the role, Step Functions asks that for ecs:runTask.sync only
            account = {"AWS_ACCESS_KEY_ID": state_credentials.role_arn.split(":")[4]}
            client.describe_tasks = made(region, service, account).describe_tasks
        return client

    def made(region: str, service: str, keys: Mapping[str, str]) -> Any:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=f"http://{HOST}:{moto_server_port()}",
            aws_access_key_id=keys["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=keys.get("AWS_SECRET_ACCESS_KEY", "emulator"),
            aws_session_token=keys.get("AWS_SESSION_TOKEN"),
            config=Config(
                parameter_validation=False,
                retries={"total_max_attempts": 1},
                connect_timeout=_LONGEST_TASK_SECONDS,
                read_timeout=_LONGEST_TASK_SECONDS,
            ),
        )

    interpreters = [module for name, module in sys.modules.items() if name.startswith(interpreter.__package__ or "")]
    for module in [boto_client, *interpreters]:
        if hasattr(module, "boto_client_for"):
            setattr(module, "boto_client_for", client_of)  # noqa: B010  # modules of many kinds


@GAP.around(StateTaskServiceEcs, "_normalise_parameters")
def ecs_parameters_as_the_api_spells_them(
    original: Any, task: StateTaskServiceEcs, parameters: Record, **kwargs: Any
) -> None:
    original(task, parameters, **kwargs)
    task._to_boto_request(parameters, _ecs_operation("run_task").input_shape)


@GAP.around(StateTaskServiceEcs, "_normalise_response")
def ecs_answers_as_states_spell_them(
    original: Any, task: StateTaskServiceEcs, response: Record, service_action_name: str | None = None, **kwargs: Any
) -> None:
    original(task, response, service_action_name=service_action_name, **kwargs)
    action = task._get_boto_service_action(service_action_name)
    task._from_boto_response(response, _ecs_operation(action).output_shape)


@GAP.around(StateTaskServiceCallback, "_from_error")
def silence_by_its_own_name(original: Any, task: StateTaskServiceCallback, env: Any, ex: Exception) -> Any:
    """Timeouts and lost heartbeats are retried, or not, for different reasons."""
    failure = original(task, env=env, ex=ex)
    if isinstance(ex, HeartbeatTimeoutError):
        silence = StatesErrorNameType.StatesHeartbeatTimeout
        failure.error_name = StatesErrorName(typ=silence)
        failure.event_details["taskTimedOutEventDetails"]["error"] = silence.to_name()
    return failure


@GAP.around(StateTaskService, "_eval_execution")
def every_attempt_with_a_token_of_its_own(original: Any, task: StateTaskService, env: Any) -> None:
    """A new token, which nobody waits for any more when the attempt has ended."""
    context = env.states.context_object
    if "Task" not in context.context_object_data:
        original(task, env)
        return
    endpoints = env.callback_pool_manager
    token = context.update_task_token()
    endpoints.add(token)
    try:
        original(task, env)
    finally:
        endpoints._pool.pop(token, None)


def _ecs_operation(action: str) -> Any:
    name = "".join(word.capitalize() for word in action.split("_"))
    return botocore.session.get_session().get_service_model("ecs").operation_model(name)


def _diagnose(definition: str) -> Iterator[Record]:
    try:
        machine = json.loads(definition)
    except ValueError as error:
        yield _problem("INVALID_JSON_DESCRIPTION", str(error), "/")
        return
    try:
        AmazonStateLanguageParser.parse(definition)
    except ASLParserException as error:
        yield _problem("SCHEMA_VALIDATION_FAILED", "; ".join(error.errors) or "not a state machine", "/")
    yield from _missing_targets(machine, "")


def _missing_targets(machine: dict[str, Any], location: str) -> Iterator[Record]:
    """Transitions to states that are not there, in this machine and in those inside it."""
    states: dict[str, dict[str, Any]] = machine.get("States", {})
    targets = [(f"{location}/StartAt", machine.get("StartAt"))]
    for name, state in states.items():
        here = f"{location}/States/{name}"
        ways = [state, *state.get("Choices", []), *state.get("Catch", [])]
        targets += [(here, way["Next"]) for way in ways if "Next" in way]
        targets += [(here, state["Default"])] if "Default" in state else []
        for inner in ("ItemProcessor", "Iterator"):
            if inner in state:
                yield from _missing_targets(state[inner], f"{here}/{inner}")
        for number, branch in enumerate(state.get("Branches", [])):
            yield from _missing_targets(branch, f"{here}/Branches[{number}]")
    for place, target in targets:
        if target not in states:
            yield _problem("MISSING_TRANSITION_TARGET", f"Missing 'Next' target: {target}", place)


def _problem(code: str, message: str, location: str) -> Record:
    return {"severity": "ERROR", "code": code, "message": message[:300], "location": location}
