"""Watches of Redis."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from config.components import RedisSettings
from modules.watches.watch import Watch


def redis_watches(replication_group_id: str, settings: RedisSettings) -> list[Watch]:
    """CPU, memory, evictions, swap and replication lag of every node: ElastiCache measures nodes, not groups."""
    return [watch for node in node_names(settings) for watch in _watches(replication_group_id, node, settings)]


def node_names(settings: RedisSettings) -> Iterator[str]:
    """ElastiCache's names of the nodes, after the group's id: `0001-002`, or `002` without cluster mode.

    >>> list(node_names(RedisSettings(node_type="cache.t4g.micro", num_node_groups=2, replicas_per_node_group=1)))
    ['0001-001', '0001-002', '0002-001', '0002-002']
    """
    for shard in range(1, settings.num_node_groups + 1):
        for node in range(1, settings.replicas_per_node_group + 2):
            yield f"{shard:04}-{node:03}" if settings.cluster_mode else f"{node:03}"


def _watches(replication_group_id: str, node: str, settings: RedisSettings) -> Iterator[Watch]:
    suffix = node.replace("-", "_")
    watch = partial(Watch, namespace="AWS/ElastiCache", dimensions={"CacheClusterId": f"{replication_group_id}-{node}"})
    yield watch(
        role=f"cpu_{suffix}",
        description="Redis, which computes on one core, is busy: look at its slow log, or add shards",
        metric_name="EngineCPUUtilization",
        threshold=80,
        evaluation_periods=15,
    )
    yield watch(
        role=f"memory_{suffix}",
        description="Redis will soon drop keys or refuse writes: look for keys that never expire, or enlarge it",
        metric_name="DatabaseMemoryUsagePercentage",
        threshold=80,
    )
    yield watch(
        role=f"evictions_{suffix}",
        description="Redis drops keys to make room for others: it is too small for what it is given",
        metric_name="Evictions",
        statistic="Sum",
        threshold=100,
    )
    yield watch(
        role=f"swap_{suffix}",
        description="The node swaps, which makes Redis slow: it is too small for its connections and buffers",
        metric_name="SwapUsage",
        statistic="Maximum",
        threshold=300 * 2**20,  # AWS calls less than that normal
    )
    if settings.replicas_per_node_group:
        yield watch(
            role=f"replication_lag_{suffix}",
            description="A replica is seconds behind: what was written last would be lost with the primary",
            metric_name="ReplicationLag",
            statistic="Maximum",
            threshold=10,
        )
