"""The knobs of a memcached cluster."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from config.settings import Settings
from config.types import NodeType


class MemcachedSettings(Settings):
    """Memcached on ElastiCache. What a node holds is gone when the node is replaced."""

    node_type: NodeType
    """CPU and memory of each node."""
    engine_version: Annotated[str, Field(pattern=r"^1\.6\.[0-9]+$")] = "1.6.22"
    """Version of memcached."""
    num_cache_nodes: Annotated[int, Field(ge=1, le=60)] = 1
    """Nodes over which clients spread the keys."""
