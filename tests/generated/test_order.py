"""Programs start after all that they need at once, in every committed stack."""

from __future__ import annotations

import copy
import fnmatch
import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from tests.generated.closure import Committed
from tests.generated.released import COMMITTED, NAMES, stack_document

BOOT = ("aws_autoscaling_group", "aws_elastic_beanstalk_environment", "aws_imagebuilder_image_pipeline")
"""Types that start instances."""
TEMPLATES = ("aws_launch_template", "aws_imagebuilder_infrastructure_configuration")
"""References of such a resource to its instances' groups and profile."""
WAYS_OUT = (
    "aws_internet_gateway", "aws_nat_gateway", "aws_route", "aws_route_table_association", "aws_vpc_endpoint",
)  # fmt: skip
RULES = ("aws_vpc_security_group_egress_rule", "aws_vpc_security_group_ingress_rule")
RIGHTS = ("aws_iam_role_policy", "aws_iam_role_policy_attachment")
IN_A_ROLE = (
    "aws_ecs_task_definition", "aws_lambda_function", "aws_scheduler_schedule", "aws_sfn_state_machine",
)  # fmt: skip
Problems = Iterator[str]


def references(stack: Committed, address: str, kind: str) -> set[str]:
    """Resources of a kind that a starter names, by itself or in what its instances are made from."""
    named = stack.references(stack.resources[address])
    for template in [one for one in named if one.startswith(TEMPLATES)]:
        named |= stack.references(stack.resources[template])
    return {one for one in named if one.startswith(f"{kind}.")}


def roles_of(stack: Committed, address: str) -> set[str]:
    """The roles of a starter's instances, and those it names."""
    profiles = references(stack, address, "aws_iam_instance_profile")
    of_profiles = {role for profile in profiles for role in stack.references(stack.resources[profile])}
    return {
        role for role in of_profiles | references(stack, address, "aws_iam_role") if role.startswith("aws_iam_role.")
    }


def rights_of(stack: Committed, role: str) -> set[str]:
    """The policies of a role."""
    return {policy for policy, body in stack.of_kind(*RIGHTS) if role in stack.references(body["role"])}


def readable(stack: Committed, role: str) -> set[str]:
    """Parameters and secrets of the stack that a role may read, even where its policy names a pattern."""
    found = set()
    for policy in rights_of(stack, role):
        for statement in json.loads(stack.resources[policy].get("policy", '{"Statement": []}'))["Statement"]:
            for pattern in statement.get("Resource", []):
                name = re.sub(r"^arn:aws:(ssm|secretsmanager):[^:]*:[^:]*:(secret:|parameter)", "", pattern)
                for address, body in stack.of_kind("aws_ssm_parameter", "aws_secretsmanager_secret"):
                    if address in stack.references(pattern) or (
                        name != pattern and fnmatch.fnmatch(body["name"], name)
                    ):
                        found.add(address)
    return found


def without_way_out(stack: Committed) -> Problems:
    for address, _ in stack.of_kind(*BOOT):
        yield from (
            f"{address} before {one}" for one, _ in stack.of_kind(*WAYS_OUT[:4]) if one not in stack.before(address)
        )
        gateways = [one for one, body in stack.of_kind("aws_vpc_endpoint") if body["vpc_endpoint_type"] == "Gateway"]
        yield from (f"{address} before {one}" for one in gateways if one not in stack.before(address))


def without_rules(stack: Committed) -> Problems:
    for address, _ in stack.of_kind(*BOOT):
        groups = references(stack, address, "aws_security_group")
        assert groups, address
        for rule, body in stack.of_kind(*RULES):
            if stack.references(body["security_group_id"]) & groups and rule not in stack.before(address):
                yield f"{address} before {rule}"


def without_rights(stack: Committed) -> Problems:
    for address, _ in stack.of_kind(*BOOT, *IN_A_ROLE):
        roles = roles_of(stack, address)
        assert roles, address
        for right in sorted(right for role in roles for right in rights_of(stack, role)):
            if right not in stack.before(address):
                yield f"{address} before {right}"


def without_what_it_reads(stack: Committed) -> Problems:
    for address, _ in stack.of_kind(*BOOT):
        for entry in sorted(entry for role in roles_of(stack, address) for entry in readable(stack, role)):
            if entry not in stack.before(address):
                yield f"{address} before {entry}"


def without_what_it_starts(stack: Committed) -> Problems:
    for address, body in stack.of_kind("aws_scheduler_schedule"):
        machines = [
            one for one, machine in stack.of_kind("aws_sfn_state_machine") if machine["name"] in body["target"]["arn"]
        ]
        started = machines or sorted(stack.references(body["target"]["arn"]))
        assert started, address
        yield from (f"{address} before {one}" for one in started if one not in stack.before(address))


def without_ownership(stack: Committed) -> Problems:
    for address, body in stack.of_kind("aws_cloudfront_distribution"):
        if "logging_config" in body:
            logs = stack.references(body["logging_config"]["bucket"])
            buckets = {one for log in logs for one in {log} | stack.before(log) if one.startswith("aws_s3_bucket.")}
            for controls, rule in stack.of_kind("aws_s3_bucket_ownership_controls"):
                if stack.references(rule["bucket"]) & buckets and controls not in stack.before(address):
                    yield f"{address} before {controls}"


LACKING: Mapping[str, Callable[[Committed], Problems]] = {
    check.__name__: check
    for check in (without_way_out, without_rules, without_rights, without_what_it_reads, without_what_it_starts, without_ownership)
}  # fmt: skip


@pytest.mark.parametrize("lacking", LACKING)
@pytest.mark.parametrize("stack", NAMES)
def test_a_program_starts_after_all_that_it_needs(stack: str, lacking: str) -> None:
    assert list(LACKING[lacking](Committed.of(stack, stack_document(stack)))) == []


@pytest.mark.parametrize("stack", NAMES)
def test_nothing_waits_for_itself(stack: str) -> None:
    committed = Committed.of(stack, stack_document(stack))
    assert [address for address in committed.resources if address in committed.before(address)] == []


def unordered(document: Mapping[str, Any]) -> dict[str, Any]:
    """A stack without any order but that of references."""
    changed: dict[str, Any] = copy.deepcopy(dict(document))
    for named in changed["resource"].values():
        for body in named.values():
            body.pop("depends_on", None)
    return changed


@pytest.mark.parametrize("lacking", LACKING)
def test_each_kind_of_order_is_missed_where_it_is_taken_away(lacking: str) -> None:
    stacks = [Committed.of(name, unordered(stack_document(name))) for name in COMMITTED]
    assert [problem for stack in stacks for problem in LACKING[lacking](stack)]


def test_webheads_wait_for_the_parameters_they_read_although_their_policy_names_a_pattern() -> None:
    stack = Committed.of("sync-storage-prod", stack_document("sync-storage-prod"))
    (role,) = roles_of(stack, "aws_autoscaling_group.webheads")
    assert {
        "aws_ssm_parameter.configuration_cache",
        "aws_secretsmanager_secret.configuration_application_user",
    } < readable(stack, role)
