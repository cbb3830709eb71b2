from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

from operations.review.preflight.planned import PlannedDocument
from operations.trial.hourly import hourly
from tests.operations.terraform_support import write_stack


def plan(*created: tuple[str, dict[str, Any]], action: str = "create") -> dict[str, Any]:
    return {
        "format_version": "1.2",
        "resource_changes": [
            {
                "address": f"{kind}.{kind}_{number}",
                "type": kind,
                "name": f"{kind}_{number}",
                "mode": "managed",
                "change": {"actions": [action], "before": None, "after": values, "after_unknown": {}},
            }
            for number, (kind, values) in enumerate(created)
        ],
    }


def planned(tmp_path: Path, resources: dict[str, Any]) -> PlannedDocument:
    return PlannedDocument(write_stack(tmp_path, resources))


def test_kinds_and_sizes_come_from_the_plan(tmp_path: Path) -> None:
    shown = plan(
        ("aws_db_instance", {"instance_class": "db.t3.micro"}),
        ("aws_db_instance", {"instance_class": "db.m6g.large", "multi_az": True}),
        ("aws_nat_gateway", {}),
        ("aws_nat_gateway", {}),
        ("aws_elasticache_replication_group", {"node_type": "cache.t4g.small", "num_node_groups": 2, "replicas_per_node_group": 1}),
        ("aws_elasticache_cluster", {"node_type": "cache.r7g.large", "num_cache_nodes": 1}),
        ("aws_vpc_endpoint", {"vpc_endpoint_type": "Interface", "subnet_ids": ["a", "b"]}),
        ("aws_dynamodb_table", {"billing_mode": "PROVISIONED", "read_capacity": 5, "write_capacity": 6}),
    )  # fmt: skip
    kinds, others = hourly(shown, planned(tmp_path, {}))
    assert kinds == {
        "RDS instance db.t3.micro": 1,
        "RDS instance db.m6g.large with a standby": 1,
        "NAT gateway": 2,
        "ElastiCache node cache.t4g.small": 4,
        "ElastiCache node cache.r7g.large": 1,
        "interface endpoint in a zone": 2,
        "DynamoDB table of 5 read and 6 write units": 1,
    }
    assert others == 0


def test_what_is_free_by_the_hour_is_counted_apart(tmp_path: Path) -> None:
    shown = plan(
        ("aws_vpc_endpoint", {"vpc_endpoint_type": "Gateway"}),
        ("aws_dynamodb_table", {"billing_mode": "PAY_PER_REQUEST"}),
        ("aws_iam_role", {}),
    )
    assert hourly(shown, planned(tmp_path, {})) == (Counter(), 3)


def test_what_is_not_created_costs_nothing_more(tmp_path: Path) -> None:
    shown = plan(("aws_db_instance", {"instance_class": "db.t3.micro"}), action="no-op")
    assert hourly(shown, planned(tmp_path, {})) == (Counter(), 0)


def test_instances_are_those_that_groups_start_at_once(tmp_path: Path) -> None:
    group = {"launch_template": {"id": "${aws_launch_template.web.id}"}, "min_size": 2}
    document = planned(
        tmp_path,
        {"aws_autoscaling_group": {"web": group}, "aws_launch_template": {"web": {"instance_type": "t3.micro"}}},
    )
    shown = plan(("aws_autoscaling_group", {}))
    shown["resource_changes"][0] |= {"address": "aws_autoscaling_group.web", "name": "web"}
    assert hourly(shown, document)[0] == {"EC2 instance t3.micro": 2}
