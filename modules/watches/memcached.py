"""Watches of memcached."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from modules.watches.watch import Watch

MAX_CONNECTIONS = 65_000
"""Most connections of one node; ElastiCache does not let it be changed."""


def memcached_watches(cluster_id: str, nodes: int) -> list[Watch]:
    """CPU, evictions, swap and connections of every node of the cluster."""
    return [watch for number in range(1, nodes + 1) for watch in _watches(cluster_id, f"{number:04}")]


def _watches(cluster_id: str, node: str) -> Iterator[Watch]:
    watch = partial(Watch, namespace="AWS/ElastiCache", dimensions={"CacheClusterId": cluster_id, "CacheNodeId": node})
    yield watch(
        role=f"cpu_{node}",
        description="The cache has computed without pause for a quarter of an hour: give it a larger node_type",
        metric_name="CPUUtilization",
        threshold=80,
        evaluation_periods=15,
    )
    yield watch(
        role=f"evictions_{node}",
        description="The cache drops items to make room for others: it is too small for what it is given",
        metric_name="Evictions",
        statistic="Sum",
        threshold=100,
    )
    yield watch(
        role=f"swap_{node}",
        description="The node swaps, which makes the cache slow: give it a larger node_type",
        metric_name="SwapUsage",
        statistic="Maximum",
        threshold=50 * 2**20,  # AWS advises to act above that
    )
    yield watch(
        role=f"connections_{node}",
        description="Two thirds of the connections a node takes are open: look for clients that keep them",
        metric_name="CurrConnections",
        statistic="Maximum",
        threshold=MAX_CONNECTIONS * 2 // 3,
    )
