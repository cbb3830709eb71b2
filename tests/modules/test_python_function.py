from __future__ import annotations

import base64
import hashlib
from typing import Any

from modules.network import Network
from modules.python_function import PythonFunction
from modules.stack import DeploymentStack
from tests.modules.peer import Peer
from tests.modules.synth import NETWORK, assert_subset, sample_stack, synthesised

CODE = b"the archive"
FUNCTION = "aws_lambda_function.work"


def function(stack: DeploymentStack, **options: Any) -> PythonFunction:
    return PythonFunction(
        stack,
        "work",
        name="sample-work",
        network=Network(stack, "network", name="sample", settings=NETWORK),
        code=CODE,
        handler="work.handler",
        timeout_seconds=30,
        memory_mib=256,
        log_retention_days=90,
        environment={"STAGE": "test"},
        **options,
    )


def test_its_code_is_the_archive_beside_the_stack_and_a_change_of_it_is_seen() -> None:
    stack = sample_stack()
    function(stack)
    found = synthesised(stack)
    assert found.files["work.zip"] == CODE
    digest = base64.b64encode(hashlib.sha256(CODE).digest()).decode()
    assert_subset(
        found.resource(FUNCTION),
        {"handler": "work.handler", "source_code_hash": digest, "timeout": 30, "memory_size": 256},
    )
    assert found.resource(FUNCTION)["filename"].endswith("work.zip")


def test_it_stands_in_private_subnets_with_a_group_that_nothing_enters_or_leaves() -> None:
    stack = sample_stack()
    function(stack)
    found = synthesised(stack)
    place = found.resource(FUNCTION)["vpc_config"]
    assert place["subnet_ids"] == ["${aws_subnet.network_private_a.id}", "${aws_subnet.network_private_b.id}"]
    assert place["security_group_ids"] == ["${aws_security_group.work_security_group.id}"]
    assert not found.resources("aws_vpc_security_group_egress_rule")
    assert not found.resources("aws_vpc_security_group_ingress_rule")


def test_it_logs_into_its_own_group_and_traces() -> None:
    stack = sample_stack()
    function(stack)
    found = synthesised(stack)
    assert_subset(
        found.resource("aws_cloudwatch_log_group.work_log"),
        {"name": "/aws/lambda/sample-work", "retention_in_days": 90},
    )
    assert found.resource(FUNCTION)["logging_config"]["log_group"] == "${aws_cloudwatch_log_group.work_log.name}"
    assert found.resource(FUNCTION)["tracing_config"] == {"mode": "Active"}


def test_it_is_made_once_its_role_may_join_the_network() -> None:
    stack = sample_stack()
    function(stack)
    found = synthesised(stack)
    assert "aws_iam_role_policy.work_observe_and_join_network" in found.resource(FUNCTION)["depends_on"]
    statements = found.policy("aws_iam_role_policy.work_observe_and_join_network")
    assert statements["JoinNetwork"]["Action"] == ["ec2:CreateNetworkInterface"]
    assert "*" not in statements["JoinNetwork"]["Resource"]
    (trust,) = found.policy("aws_iam_role.work_role", "assume_role_policy").values()
    assert trust["Principal"] == {"Service": ["lambda.amazonaws.com"]}


def test_layers_are_left_alone_only_where_an_operator_gives_them() -> None:
    for by_operator in (True, False):
        stack = sample_stack()
        function(stack, layers_by_operator=by_operator)
        lifecycle = synthesised(stack).resource(FUNCTION).get("lifecycle", {})
        assert ("layers" in lifecycle.get("ignore_changes", [])) is by_operator


def test_whoever_may_call_it_may_call_nothing_else() -> None:
    stack = sample_stack()
    function(stack).grant_invoke(Peer(stack, "machine"))
    statement = synthesised(stack).policy("aws_iam_role_policy.work_invoke_by_machine")["Invoke"]
    assert (statement["Action"], statement["Resource"]) == (["lambda:InvokeFunction"], [f"${{{FUNCTION}.arn}}"])


def test_a_failed_call_is_watched_for() -> None:
    (watch,) = function(sample_stack()).watches()
    assert (watch.metric_name, watch.dimensions, watch.threshold) == ("Errors", {"FunctionName": "sample-work"}, 0)
