"""Bounds of numbers in settings are AWS's: the last value inside is taken, the first one outside is refused.

Sources: Fargate task sizes (ECS Developer Guide), quotas of ElastiCache and RDS, target tracking of DynamoDB
(Application Auto Scaling User Guide), EventBridge Scheduler User Guide; all as of 2026-11-28.
"""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from config.components import AuroraSettings, ContainerTaskSettings, ProvisionedCapacity, RedisSettings
from config.schedules import schedule
from config.settings import Settings

CAPACITY = {
    "billing_mode": "PROVISIONED",
    "min_read_capacity": 1,
    "max_read_capacity": 5,
    "min_write_capacity": 1,
    "max_write_capacity": 5,
}
REDIS = {"node_type": "cache.t4g.micro"}
AURORA = {"engine_version": "16"}
BOUNDS: list[tuple[type[Settings], dict[str, Any], str, int, int]] = [
    (RedisSettings, {**REDIS, "replicas_per_node_group": 0}, "num_node_groups", 1, 500),
    (RedisSettings, {**REDIS, "replicas_per_node_group": 5}, "num_node_groups", 1, 83),
    (RedisSettings, REDIS, "replicas_per_node_group", 0, 5),
    (RedisSettings, REDIS, "snapshot_retention_days", 0, 35),
    (AuroraSettings, AURORA, "backup_retention_days", 1, 35),
    (AuroraSettings, AURORA, "reader_instances", 0, 15),
    (ProvisionedCapacity, CAPACITY, "target_utilization_percent", 20, 90),
    (ContainerTaskSettings, {}, "ephemeral_storage_gib", 21, 200),
    (ContainerTaskSettings, {"cpu_units": 256}, "memory_mib", 512, 2048),
    (ContainerTaskSettings, {"cpu_units": 1024}, "memory_mib", 2048, 8192),
    (ContainerTaskSettings, {"cpu_units": 16384}, "memory_mib", 32768, 122880),
]


@pytest.mark.parametrize(
    ("kind", "others", "name", "least", "most"), BOUNDS, ids=lambda value: value if isinstance(value, str) else None
)
def test_the_last_value_inside_is_taken_and_the_first_outside_is_refused(
    kind: type[Settings], others: dict[str, Any], name: str, least: int, most: int
) -> None:
    for value in (least, most):
        assert getattr(kind(**others, **{name: value}), name) == value
    for value in (least - 1, most + 1):
        with pytest.raises(ValidationError, match=name):
            kind(**others, **{name: value})


@pytest.mark.parametrize(
    ("cpu_units", "memory_mib"), [(256, 768), (1024, 2560), (8192, 17408), (8192, 18432), (16384, 36864)]
)
def test_memory_between_the_steps_of_fargate_is_refused(cpu_units: int, memory_mib: int) -> None:
    with pytest.raises(ValidationError, match="memory_mib"):
        ContainerTaskSettings(cpu_units=cpu_units, memory_mib=memory_mib)  # type: ignore[arg-type]  # one of its literals


def test_one_shard_needs_no_cluster_mode_and_two_do() -> None:
    assert RedisSettings(node_type="cache.t4g.micro", cluster_mode=False).num_node_groups == 1
    with pytest.raises(ValidationError, match="more than one shard"):
        RedisSettings(node_type="cache.t4g.micro", cluster_mode=False, num_node_groups=2)


def test_a_rate_is_at_most_366_days() -> None:
    for text in ("rate(366 days)", "rate(8784 hours)", "rate(527040 minutes)"):
        assert schedule(text) == text
    for text in ("rate(367 days)", "rate(8785 hours)", "rate(527041 minutes)", "rate(0 minutes)"):
        with pytest.raises(ValueError, match="between a minute and 366 days"):
            schedule(text)
