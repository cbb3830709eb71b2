"""Computed attributes are judged where resources of the stack declare them; what nobody declares stays drift."""

from __future__ import annotations

import json
from typing import Any

import pytest

from operations.plans.report.model import StackReport
from tests.operations.plans.plan_support import change, plan_of, stack_report

GROUP = {"id": "sg-1", "ingress": []}
OPEN = {"cidr_blocks": ["0.0.0.0/0"], "from_port": 443, "to_port": 443, "protocol": "tcp"}
RULE = {"security_group_id": "sg-1", "cidr_ipv4": "0.0.0.0/0", "from_port": 443, "to_port": 443, "ip_protocol": "tcp"}
PUBLIC = json.dumps({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"}]})
BUCKET = {"id": "b", "bucket": "b", "policy": ""}


def drifted(drift: dict[str, Any], *existing: tuple[str, dict[str, Any]]) -> StackReport:
    resources = [{"mode": "managed", "type": kind, "values": values} for kind, values in existing]
    plan = plan_of(drift=(drift,)) | {
        "prior_state": {"values": {"root_module": {"child_modules": [{"resources": resources}]}}}
    }
    return stack_report(plan)


DECLARED: list[tuple[dict[str, Any], tuple[str, dict[str, Any]]]] = [
    (
        change("aws_security_group.x", GROUP, GROUP | {"ingress": [OPEN]}),
        ("aws_vpc_security_group_ingress_rule", RULE),
    ),
    (
        change(
            "aws_security_group.x",
            GROUP,
            GROUP | {"ingress": [OPEN | {"protocol": "-1", "from_port": 0, "to_port": 0}]},
        ),
        ("aws_vpc_security_group_ingress_rule", RULE | {"ip_protocol": "-1", "from_port": None, "to_port": None}),
    ),
    (
        change("aws_security_group.x", GROUP, GROUP | {"ingress": [OPEN]}),
        ("aws_security_group_rule", {**OPEN, "security_group_id": "sg-1", "type": "ingress"}),
    ),
    (change("aws_s3_bucket.x", BUCKET, BUCKET | {"policy": PUBLIC}), ("aws_s3_bucket_policy", {"bucket": "b"})),
    (
        change("aws_s3_bucket.x", BUCKET | {"versioning": []}, BUCKET | {"versioning": [{"enabled": True}]}),
        ("aws_s3_bucket_versioning", {"bucket": "b"}),
    ),
    (
        change("aws_sns_topic.x", {"arn": "a", "policy": "{}"}, {"arn": "a", "policy": PUBLIC}),
        ("aws_sns_topic_policy", {"arn": "a"}),
    ),
    (
        change(
            "aws_iam_role.x",
            {"id": "r", "inline_policy": []},
            {"id": "r", "inline_policy": [{"name": "p", "policy": '{"a": 1}'}]},
        ),
        ("aws_iam_role_policy", {"role": "r", "name": "p", "policy": '{"a":1}'}),
    ),
]


@pytest.mark.parametrize(("drift", "existing"), DECLARED)
def test_what_a_resource_of_the_stack_declares_is_no_drift_of_its_parent(
    drift: dict[str, Any], existing: tuple[str, dict[str, Any]]
) -> None:
    stack = drifted(drift, existing)
    assert stack.drift == ()
    assert stack.findings == ()


@pytest.mark.parametrize(("drift", "existing"), DECLARED)
def test_what_a_resource_of_another_parent_declares_is_drift(
    drift: dict[str, Any], existing: tuple[str, dict[str, Any]]
) -> None:
    kind, values = existing
    others = {name: "other" if value in ("sg-1", "b", "a", "r") else value for name, value in values.items()}
    stack = drifted(drift, (kind, others))
    assert stack.drift or stack.filled_in


def test_a_rule_added_by_hand_beside_declared_ones_is_drift_and_judged() -> None:
    by_hand = OPEN | {"from_port": 22, "to_port": 22}
    after = GROUP | {"ingress": [OPEN, by_hand]}
    stack = drifted(change("aws_security_group.x", GROUP, after), ("aws_vpc_security_group_ingress_rule", RULE))
    assert [finding.message for finding in stack.findings] == ["opens port 22 to the whole internet"]
    (line,) = stack.drift
    assert "443" not in str(line.attributes)


def test_a_range_added_by_hand_to_a_declared_rules_block_is_drift() -> None:
    after = GROUP | {"ingress": [OPEN | {"ipv6_cidr_blocks": ["::/0"]}]}
    stack = drifted(change("aws_security_group.x", GROUP, after), ("aws_vpc_security_group_ingress_rule", RULE))
    assert stack.findings


def _environment(name: str, value: str) -> dict[str, Any]:
    others = {"name": "VPCId", "namespace": "aws:ec2:vpc", "value": "vpc-1"}
    return {"id": "e-1", "setting": [others, {"name": name, "namespace": "aws:ec2:vpc", "value": value}]}


def test_ids_of_an_environments_option_in_another_order_are_no_drift() -> None:
    address = "aws_elastic_beanstalk_environment.x"
    for name, after, drifts in (
        ("Subnets", "subnet-2,subnet-1", False),
        ("Subnets", "subnet-2,subnet-3", True),
        ("GREETING", "subnet-2,subnet-1", True),
    ):
        moved = change(address, _environment(name, "subnet-1,subnet-2"), _environment(name, after))
        assert bool(drifted(moved).drift) is drifts, (name, after)
