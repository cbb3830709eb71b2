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
_OF_NO_INTERFACE = (
    "DescribeNetworkInterfaces",
    "DeleteNetworkInterface",
    "AssignPrivateIpAddresses",
    "UnassignPrivateIpAddresses",
)
"""Rights that Lambda wants of the role of a function in a VPC, asked without an interface: only `*` allows them."""
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
    role, place = call.parameters.get("Role") or _role_of(call), call.parameters.get("VpcConfig", {})
    if not role or not place.get("SubnetIds") or find_role(role) is None:
        return
    joined = [
        "network-interface/eni-new",
        *(f"subnet/{subnet}" for subnet in place["SubnetIds"]),
        *(f"security-group/{group}" for group in place.get("SecurityGroupIds", ())),
    ]
    wanted = [("CreateNetworkInterface", f"arn:aws:ec2:{call.region}:{call.account_id}:{each}") for each in joined]
    wanted += [(action, "*") for action in _OF_NO_INTERFACE]
    for action, resource in wanted:
        if not may(role, f"ec2:{action}", resource):
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
