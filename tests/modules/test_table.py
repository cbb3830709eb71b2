from __future__ import annotations

from typing import Any

import pytest

from config.components import ProvisionedCapacity, TableSettings
from config.types import TableAction
from modules.stack import DeploymentStack
from modules.table import Index, Key, Table
from tests.modules.peer import Peer
from tests.modules.synth import ABSENT, Synthesised, assert_subset, sample_stack, synthesised

PROVISIONED = ProvisionedCapacity(
    billing_mode="PROVISIONED",
    min_read_capacity=5,
    max_read_capacity=200,
    min_write_capacity=10,
    max_write_capacity=100,
)
BY_PASSWORD = {"password-index": Index(Key("password", "S"))}


def add_table(stack: DeploymentStack, *, settings: TableSettings | None = None, **arguments: Any) -> Table:
    keys = {"name": "sample-team", "hash_key": Key("ID", "N")}
    return Table(stack, "team", **{**keys, **arguments}, settings=settings or TableSettings())


def table(*, protect_data: bool = True, **arguments: Any) -> Synthesised:
    stack = sample_stack(protect_data=protect_data)
    add_table(stack, **arguments)
    return synthesised(stack)


def attributes(result: Synthesised) -> dict[str, str]:
    return {a["name"]: a["type"] for a in result.resource("aws_dynamodb_table.team")["attribute"]}


def test_a_table_may_have_a_hash_key_only():
    result = table()
    assert_subset(result.resource("aws_dynamodb_table.team"), {"hash_key": "ID", "range_key": ABSENT})
    assert attributes(result) == {"ID": "N"}


def test_every_key_is_declared_once():
    result = table(
        hash_key=Key("teamID", "N"),
        range_key=Key("questionID", "N"),
        indexes={"by-date": Index(Key("date", "S"), Key("teamID", "N"))},
    )
    assert_subset(result.resource("aws_dynamodb_table.team"), {"hash_key": "teamID", "range_key": "questionID"})
    assert attributes(result) == {"teamID": "N", "questionID": "N", "date": "S"}


def test_an_attribute_has_one_type():
    with pytest.raises(ValueError, match="sample-team uses the attribute ID both as N and as S"):
        table(indexes={"by-id": Index(Key("ID", "S"))})


def test_an_index_holds_whole_items_unless_told_otherwise():
    result = table(indexes={**BY_PASSWORD, "by-date": Index(Key("date", "S"), projection="KEYS_ONLY")})
    assert_subset(
        result.resource("aws_dynamodb_table.team"),
        {
            "global_secondary_index": [
                {"name": "by-date", "hash_key": "date", "projection_type": "KEYS_ONLY"},
                {"name": "password-index", "hash_key": "password", "projection_type": "ALL"},
            ]
        },
    )


def test_items_expire_by_the_attribute_named():
    assert_subset(
        table(ttl_attribute="expires").resource("aws_dynamodb_table.team"),
        {"ttl": {"attribute_name": "expires", "enabled": True}},
    )
    assert_subset(table().resource("aws_dynamodb_table.team"), {"ttl": ABSENT})


def test_capacity_is_paid_by_request_unless_set():
    result = table(indexes=BY_PASSWORD)
    assert_subset(
        result.resource("aws_dynamodb_table.team"),
        {"billing_mode": "PAY_PER_REQUEST", "read_capacity": ABSENT, "write_capacity": ABSENT},
    )
    assert result.resources("aws_appautoscaling_target") == {}


def test_provisioned_capacity_follows_use_of_the_table_and_of_each_index():
    result = table(indexes=BY_PASSWORD, settings=TableSettings(capacity=PROVISIONED))
    assert set(result.resources("aws_appautoscaling_policy")) == {
        "team_autoscaling_read_policy",
        "team_autoscaling_write_policy",
        "team_password_index_autoscaling_read_policy",
        "team_password_index_autoscaling_write_policy",
    }
    assert_subset(
        result.resource("aws_appautoscaling_target.team_autoscaling_read_target"),
        {
            "resource_id": "table/${aws_dynamodb_table.team.name}",
            "scalable_dimension": "dynamodb:table:ReadCapacityUnits",
            "min_capacity": 5,
            "max_capacity": 200,
        },
    )
    assert_subset(
        result.resource("aws_appautoscaling_target.team_password_index_autoscaling_write_target"),
        {
            "resource_id": "table/${aws_dynamodb_table.team.name}/index/password-index",
            "scalable_dimension": "dynamodb:index:WriteCapacityUnits",
            "min_capacity": 10,
            "max_capacity": 100,
        },
    )
    assert_subset(
        result.resource("aws_appautoscaling_policy.team_autoscaling_write_policy"),
        {
            "target_tracking_scaling_policy_configuration": {
                "target_value": 70,
                "predefined_metric_specification": {"predefined_metric_type": "DynamoDBWriteCapacityUtilization"},
            }
        },
    )


def test_terraform_does_not_take_back_what_autoscaling_gave():
    result = table(indexes=BY_PASSWORD, settings=TableSettings(capacity=PROVISIONED))
    assert_subset(
        result.resource("aws_dynamodb_table.team"),
        {
            "read_capacity": 5,
            "write_capacity": 10,
            "global_secondary_index": [{"read_capacity": 5, "write_capacity": 10}],
            "lifecycle": {"ignore_changes": ["read_capacity", "write_capacity", "global_secondary_index"]},
        },
    )


@pytest.mark.parametrize(
    ("protect_data", "expected"),
    [
        (True, {"deletion_protection_enabled": True, "lifecycle": {"prevent_destroy": True}}),
        (False, {"deletion_protection_enabled": False, "lifecycle": ABSENT}),
    ],
)
def test_what_is_protected_cannot_be_deleted(protect_data: bool, expected: dict[str, Any]):
    assert_subset(table(protect_data=protect_data).resource("aws_dynamodb_table.team"), expected)


def test_every_second_of_the_last_weeks_can_be_restored():
    assert_subset(table().resource("aws_dynamodb_table.team"), {"point_in_time_recovery": {"enabled": True}})


def test_what_cannot_be_restored_says_why():
    reason = "Sessions are worth nothing after an hour"
    settings = TableSettings(point_in_time_recovery_enabled=False, reasons={"point_in_time_recovery_enabled": reason})
    result = table(settings=settings)
    assert_subset(result.resource("aws_dynamodb_table.team"), {"point_in_time_recovery": {"enabled": False}})
    assert result.exemptions("aws_dynamodb_table.team")["CKV_AWS_28"] == reason


def granted(*actions: TableAction, **arguments: Any) -> dict[str, Any]:
    stack = sample_stack()
    add_table(stack, **arguments).grant(Peer(stack, "web"), actions=actions)
    return synthesised(stack).policy("aws_iam_role_policy.team_read_write_by_web")


def test_a_grant_names_the_actions_it_was_asked_for_and_no_other():
    assert granted("PutItem", "GetItem") == {
        "Items": {
            "Sid": "Items",
            "Effect": "Allow",
            "Action": ["dynamodb:GetItem", "dynamodb:PutItem"],
            "Resource": ["${aws_dynamodb_table.team.arn}"],
        }
    }


def test_a_grant_to_query_reaches_indexes_when_there_are_some():
    assert set(granted("Query")) == {"Items"}
    assert set(granted("GetItem", indexes=BY_PASSWORD)) == {"Items"}
    through = granted("GetItem", "Query", indexes=BY_PASSWORD)["Indexes"]
    assert through["Action"] == ["dynamodb:Query"]
    assert through["Resource"] == ["${aws_dynamodb_table.team.arn}/index/*"]


def test_throttled_requests_ring_for_the_table_and_its_indexes():
    watches = {watch.role: watch for watch in add_table(sample_stack(), indexes=BY_PASSWORD).watches()}
    assert set(watches) == {
        "read_throttles",
        "write_throttles",
        "read_throttles_password_index",
        "write_throttles_password_index",
        "system_errors_reading",
        "system_errors_writing",
    }
    assert watches["write_throttles_password_index"].dimensions["GlobalSecondaryIndexName"] == "password-index"
