"""Changes by AWS itself are no drift; changes by somebody are."""

from __future__ import annotations

from typing import Any

import pytest

from tests.operations.plans.plan_support import change, plan_of, stack_report

POSTGRES = {"engine": "postgres", "auto_minor_version_upgrade": True}
MYSQL = {"engine": "mysql", "auto_minor_version_upgrade": True}

BY_AWS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("aws_db_instance", {"latest_restorable_time": "2026-11-28T22:33:04Z"}, {"latest_restorable_time": "2026-11-29"}),
    ("aws_db_instance", {**POSTGRES, "engine_version": "16.8"}, {**POSTGRES, "engine_version": "16.10"}),
    ("aws_db_instance", {**MYSQL, "engine_version": "8.4.5"}, {**MYSQL, "engine_version": "8.4.7"}),
    ("aws_autoscaling_group", {"desired_capacity": 2}, {"desired_capacity": 5}),
    ("aws_acm_certificate", {"not_after": "2026-12-01"}, {"not_after": "2027-12-01"}),
    ("aws_iam_role", {"description": None}, {"description": "filled in"}),
]
BY_SOMEBODY: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("aws_db_instance", {"latest_restorable_time": "a", "port": 1}, {"latest_restorable_time": "b", "port": 2}),
    ("aws_db_instance", {**POSTGRES, "engine_version": "16.8"}, {**POSTGRES, "engine_version": "17.1"}),
    ("aws_db_instance", {**POSTGRES, "engine_version": "16.8"}, {**POSTGRES, "engine_version": "16.6"}),
    ("aws_db_instance", {**MYSQL, "engine_version": "8.0.40"}, {**MYSQL, "engine_version": "8.4.5"}),
    (
        "aws_db_instance",
        {"engine": "mysql", "engine_version": "8.4.5"},
        {"engine": "mysql", "engine_version": "8.4.7", "auto_minor_version_upgrade": False},
    ),
    ("aws_autoscaling_group", {"max_size": 2}, {"max_size": 5}),
    ("aws_sns_topic", {"desired_capacity": 2}, {"desired_capacity": 5}),
]


@pytest.mark.parametrize(("kind", "before", "after"), BY_AWS)
def test_changes_by_aws_itself_are_no_drift(kind: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    stack = stack_report(plan_of(drift=(change(f"{kind}.x", before, after),)))
    assert stack.drift == ()
    assert [line.address for line in stack.filled_in] == [f"{kind}.x"]


@pytest.mark.parametrize(("kind", "before", "after"), BY_SOMEBODY)
def test_changes_by_somebody_are_drift(kind: str, before: dict[str, Any], after: dict[str, Any]) -> None:
    stack = stack_report(plan_of(drift=(change(f"{kind}.x", before, after),)))
    assert [line.address for line in stack.drift] == [f"{kind}.x"]
