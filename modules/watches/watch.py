"""Metrics worth watching, as constructs name them; `Alarms` turns them into alarms and a dashboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from constructs import Node

Statistic = Literal["Average", "Maximum", "Minimum", "Sum", "SampleCount", "p95", "p99"]
Comparison = Literal[
    "GreaterThanThreshold", "GreaterThanOrEqualToThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"
]


@dataclass(frozen=True)
class Watch:
    """One CloudWatch metric and the bound beyond which somebody should look."""

    role: str
    """Its name in ids, unique within the construct: `cpu` makes the alarm `database_cpu`."""
    description: str
    """Cause of the alarm, and what to look at first."""
    namespace: str
    metric_name: str
    dimensions: Mapping[str, str]
    threshold: float
    statistic: Statistic = "Average"
    comparison: Comparison = "GreaterThanThreshold"
    period_seconds: int = 60
    evaluation_periods: int = 5
    missing_data: Literal["missing", "notBreaching", "breaching", "ignore"] = "notBreaching"


class Watchable(Protocol):
    """A construct that knows which of its metrics matter."""

    @property
    def node(self) -> Node:
        """The construct's node; its id names the alarms."""
        ...

    def watches(self) -> Sequence[Watch]:
        """The metrics worth an alarm."""
        ...
