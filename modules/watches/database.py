"""Watches of a relational database."""

from __future__ import annotations

from functools import partial

from config.components import DatabaseSettings
from modules.engines import GIB, RdsEngine, memory_bytes
from modules.watches.watch import Watch


def database_watches(identifier: str, engine: RdsEngine, settings: DatabaseSettings) -> list[Watch]:
    """CPU, storage, memory and connections of the RDS instance `identifier`.

    The bounds follow from its class and its storage, so a database that is made larger is watched accordingly.
    """
    watch = partial(Watch, namespace="AWS/RDS", dimensions={"DBInstanceIdentifier": identifier})
    return [
        watch(
            role="cpu",
            description="It has computed without pause for a quarter of an hour: look at its slow queries",
            metric_name="CPUUtilization",
            threshold=80,
            evaluation_periods=15,
        ),
        watch(
            role="free_storage",
            description="Less than a tenth of its first storage is free: a full database stops. Give it more",
            metric_name="FreeStorageSpace",
            statistic="Minimum",
            comparison="LessThanThreshold",
            threshold=settings.allocated_storage_gib * GIB // 10,
        ),
        watch(
            role="freeable_memory",
            description="Less than a twentieth of its memory is free: it will swap. Look at connections, or enlarge it",
            metric_name="FreeableMemory",
            comparison="LessThanThreshold",
            threshold=memory_bytes(settings.instance_class) // 20,
            evaluation_periods=15,
        ),
        watch(
            role="connections",
            description="Two thirds of the connections RDS allows are taken: look for clients that keep them",
            metric_name="DatabaseConnections",
            statistic="Maximum",
            threshold=engine.default_max_connections(settings.instance_class) * 2 // 3,
        ),
    ]
