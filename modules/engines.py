"""The relational engines on RDS: what differs between them, as data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from config.components import MYSQL_TLS_PARAMETER, POSTGRESQL_TLS_PARAMETER, WITHOUT_PERFORMANCE_INSIGHTS

GIB = 2**30


SET_AT_CREATION = ["engine_lifecycle_support"]
"""Provider 5.100 plans a change of it and sends none: the plan after the apply would show it again, for ever."""


def lifecycle_support(*, extended: bool) -> str:
    """RDS's choices when the standard support of a release series ends: go on at a price, or upgrade."""
    return f"open-source-rds-extended-support{'' if extended else '-disabled'}"


@dataclass(frozen=True)
class RdsEngine:
    """One engine as RDS knows it."""

    name: str
    port: int
    family_parts: int
    """How many parts of a version name its parameter group family: two for `mysql8.0`, one for `postgres16`."""
    tls_parameter: str
    """The parameter that, set to 1, turns clients away that do not speak TLS."""
    parameters: Mapping[str, str]
    """Parameters that every database sets beside that."""
    log_exports: tuple[str, ...]
    bytes_per_connection: int
    """Divisor of an instance's memory in RDS's default of max_connections."""
    without_performance_insights: frozenset[str] = frozenset()
    """The instance classes that are too small for it."""

    def parameter_group_family(self, version: str) -> str:
        """The family of the release series `version`. Raises ValueError when it names none, or a minor version.

        >>> MYSQL.parameter_group_family("8.4"), POSTGRESQL.parameter_group_family("16")
        ('mysql8.4', 'postgres16')
        """
        if version.count(".") + 1 != self.family_parts:
            raise ValueError(f'engine_version = "{version}" is not a release series of {self.name}')
        return self.name + version

    def parameters_for(self, *, require_tls: bool, given: Mapping[str, str]) -> dict[str, str]:
        """The engine's parameters, with those `given` on top. Raises ValueError when these touch the TLS parameter."""
        if self.tls_parameter in given:
            raise ValueError(
                f'parameters sets {self.tls_parameter} = "{given[self.tls_parameter]}": say require_tls = true or false'
            )
        return {**self.parameters, self.tls_parameter: "1" if require_tls else "0", **given}

    def default_max_connections(self, instance_class: str) -> int:
        """About how many connections RDS lets an instance of that class hold.

        >>> MYSQL.default_max_connections("db.t3.micro")
        85
        """
        return min(memory_bytes(instance_class) // self.bytes_per_connection, 5000)


def memory_bytes(instance_class: str) -> int:
    """The memory of an RDS instance class, from the proportions AWS keeps within its families.

    >>> memory_bytes("db.t4g.medium") // GIB, memory_bytes("db.m6g.large") // GIB, memory_bytes("db.r6g.4xlarge") // GIB
    (4, 8, 128)
    """
    _, family, size = instance_class.split(".")
    gib_at_large = {"c": 4, "r": 16, "x": 32, "z": 16}.get(family[0], 8)
    if found := re.fullmatch(r"(\d*)xlarge", size):
        return gib_at_large * 2 * int(found[1] or 1) * GIB
    divisor = {"micro": 8, "small": 4, "medium": 2, "large": 1}[size]
    return gib_at_large * GIB // divisor


MYSQL = RdsEngine(
    name="mysql",
    port=3306,
    family_parts=2,
    tls_parameter=MYSQL_TLS_PARAMETER,
    parameters={
        "local_infile": "0",  # a server could otherwise read files of its clients
        "log_output": "FILE",  # only files are exported to CloudWatch
        "long_query_time": "2",
        "slow_query_log": "1",
    },
    log_exports=("error", "slowquery"),
    bytes_per_connection=12_582_880,
    without_performance_insights=WITHOUT_PERFORMANCE_INSIGHTS,
)

POSTGRESQL = RdsEngine(
    name="postgres",
    port=5432,
    family_parts=1,
    tls_parameter=POSTGRESQL_TLS_PARAMETER,
    parameters={
        "log_connections": "1",
        "log_lock_waits": "1",
        "log_min_duration_statement": "2000",
        "log_statement": "ddl",  # more would write passwords and personal data into the log
    },
    log_exports=("postgresql", "upgrade"),
    bytes_per_connection=9_531_392,
)
