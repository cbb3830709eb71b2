"""Every program of every stack may make its calls, and has no right that none of its calls needs."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any

import pytest

from iam.document import PolicyDocument, Statement
from iam.evaluation import applies, evaluate
from iam.patterns import matches
from iam.reference import mistakes
from tests.generated.released import COMMITTED, NAMES
from tests.permissions.calls import ProgramCall, calls, declared
from tests.permissions.committed import CommittedStack, UnknownTypeError

every_stack = pytest.mark.parametrize("name", NAMES)
stack_of = cache(CommittedStack)

OF_AWS = {
    "AWSBackupServiceRolePolicyForBackup": (
        "AWS Backup adds kinds of resources to it as it learns to back them up",
        "a83b972b",
    ),
    "AWSElasticBeanstalkEnhancedHealth": (
        "AWS asks for it on the role that watches the health of environments",
        "2c8ec971",
    ),
    "AmazonRDSEnhancedMonitoringRole": ("it names one log group, and RDS refuses a role without it", "adb0e65f"),
}
"""Policies of AWS that are attached: the reason, and the digest of the document that was read."""


def granted(policies: list[PolicyDocument]) -> Iterator[tuple[str, Statement, str, str]]:
    """Every action on every resource that statements allow, one by one."""
    for policy in policies:
        for statement in policy.statements:
            for action, resource in product(statement.actions or (), statement.resources or ()):
                if statement.allows:
                    yield policy.name, statement, action, resource


def uses(call: ProgramCall, statement: Statement, action: str, resource: str) -> bool:
    return (
        matches(action.lower(), call.request.action.lower())
        and matches(resource, call.request.resource)
        and applies(statement, call.request)
    )


@every_stack
def test_every_call_of_a_program_is_allowed(name: str) -> None:
    stack, refused = stack_of(name), []
    for call in calls(stack):
        resource = call.request.resource
        decision = evaluate(
            call.request,
            stack.principals[call.principal],
            resource=stack.policy_of(resource),
            resource_decides=":kms:" in resource,
        )
        refused += [] if decision.allowed else [f"{call}: {decision.reason}"]
    assert refused == []


@every_stack
def test_every_right_is_used_by_a_call(name: str) -> None:
    stack = stack_of(name)
    made = list(calls(stack))
    idle = [
        f"{principal} {policy}/{statement.sid}: {action} on {resource}"
        for principal, policies in stack.principals.items()
        for policy, statement, action, resource in granted(policies)
        if not any(uses(call, statement, action, resource) for call in made if call.principal == principal)
    ]
    assert idle == [], "no call in runtime/calls.toml needs these"


@every_stack
def test_every_role_and_user_has_calls_or_rights_of_aws_alone(name: str) -> None:
    stack = stack_of(name)
    of_aws = {role for role, _ in stack.attached}
    assert {principal for principal in stack.principals if principal not in declared(stack)} <= of_aws
    deployment = name.partition("@")[0].rpartition("-")[0]
    known = {
        principal for other in COMMITTED if other.startswith(deployment) for principal in stack_of(other).principals
    }
    assert set(declared(stack)) <= known, "calls.toml names roles and users that no stack has"


def test_policies_of_aws_have_a_reason_and_are_those_that_were_read() -> None:
    from moto.iam.aws_managed_policies import aws_managed_policies_data

    documents = json.loads(aws_managed_policies_data)
    attached = {arn.rpartition("/")[2] for name in COMMITTED for _, arn in stack_of(name).attached}
    assert attached == set(OF_AWS)
    digests = {name: digest(documents[name]["Document"]) for name in attached}
    assert digests == {name: recorded for name, (_, recorded) in OF_AWS.items()}


def digest(document: Any) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()[:8]


@every_stack
def test_policies_name_nothing_that_can_never_count(name: str) -> None:
    found = [
        sentence
        for policies in stack_of(name).principals.values()
        for policy in policies
        for sentence in mistakes(policy)
    ]
    assert found == []


def test_a_type_of_resource_without_an_example_is_a_sentence_and_no_key_error() -> None:
    stack = CommittedStack("suai-cloud-app-dev")
    stack.resources = {**stack.resources, "aws_kinesis_stream": {"clicks": {"name": "clicks"}}}
    with pytest.raises(UnknownTypeError, match="add aws_kinesis_stream to ARNS"):
        stack.resolved("${aws_kinesis_stream.clicks.arn}")
