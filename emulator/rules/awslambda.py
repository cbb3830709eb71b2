"""Lambda: execution roles, environment variables, and runtimes that can still be created.

Sources: Lambda Developer Guide, execution role, VPC networking and environment variables; provider issue 20698 on the
check that names no interface (2026-11-28). Ends of runtimes are dated facts.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from emulator.call import Refusal
from emulator.rules.rule import Rules
from emulator.rules.trust import can_be_assumed, find_role, may

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.facts import Facts

RULES = Rules("lambda")

_CODE = "InvalidParameterValueException"
_IN_A_VPC = ("CreateNetworkInterface", "DescribeNetworkInterfaces", "DeleteNetworkInterface")
"""What Lambda itself does with the execution role of a function in a VPC. It asks about no certain interface."""
_SCOPED = ("CreateNetworkInterface",)
"""Actions of those that may be bounded to subnets and security groups."""
_MOST_ENVIRONMENT_BYTES = 4096
_RESERVED = frozenset(
    {
        "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API",
        "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
    }
)  # fmt: skip
_SET = ("CreateFunction", "UpdateFunctionConfiguration")


@RULES.on(*_SET)
def the_role_lets_the_service_in(call: Call) -> None:
    role = call.parameters.get("Role")
    if role and not can_be_assumed(role, "lambda.amazonaws.com"):
        raise Refusal(_CODE, "The role defined for the function cannot be assumed by Lambda.")


@RULES.on(*_SET)
def the_role_of_a_function_in_a_vpc_may_handle_interfaces(call: Call) -> None:
    role = call.parameters.get("Role") or _role_of(call)
    if not role or not call.parameters.get("VpcConfig", {}).get("SubnetIds") or find_role(role) is None:
        return
    anywhere = f"arn:aws:ec2:{call.region}:{call.account_id}:*/*"
    for action in _IN_A_VPC:
        scopes = ("*", anywhere) if action in _SCOPED else ("*",)
        if not any(may(role, f"ec2:{action}", scope) for scope in scopes):
            raise Refusal(_CODE, f"The provided execution role does not have permissions to call {action} on EC2")


@RULES.on(*_SET)
def variables_fit_and_are_not_lambdas_own(call: Call) -> None:
    variables = call.parameters.get("Environment", {}).get("Variables", {})
    failed = (
        "Lambda was unable to configure your environment variables because the environment variables you have provided"
    )
    taken = sorted(_RESERVED & variables.keys())
    if taken:
        raise Refusal(
            _CODE,
            f"{failed} contains reserved keys that are currently not supported for modification. Reserved keys used in"
            f" this request: {', '.join(taken)}",
        )
    if sum(len(f"{name}{value}".encode()) for name, value in variables.items()) > _MOST_ENVIRONMENT_BYTES:
        raise Refusal(_CODE, f"{failed} exceeded the 4KB limit.")


@RULES.by_facts_on("CreateFunction", "UpdateFunctionConfiguration")
def the_runtime_can_still_be_had(call: Call, facts: Facts) -> None:
    runtime = call.parameters.get("Runtime", "")
    ends = facts.function_runtimes.get(runtime, {})
    end = ends.get("creation_ends" if call.action == "CreateFunction" else "update_ends")
    if end and end <= datetime.now(tz=UTC).date().isoformat():
        raise Refusal(
            _CODE,
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions.",
        )


def _role_of(call: Call) -> str:
    """The role that the function has; empty when there is no such function, which moto refuses."""
    from moto.awslambda.exceptions import UnknownFunctionException
    from moto.awslambda.utils import get_backend

    if call.action == "CreateFunction":
        return ""
    try:
        function = get_backend(call.account_id, call.region).get_function(call.parameters["FunctionName"])
    except UnknownFunctionException:
        return ""
    return str(function.role)
