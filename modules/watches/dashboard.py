"""The CloudWatch dashboard of a deployment."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from modules.watches.watch import Watch

_COLUMNS = 4
_WIDTH = 24 // _COLUMNS
_HEIGHT = 6


def dashboard_body(watches: Mapping[str, Sequence[Watch]], *, region: str) -> str:
    """A dashboard's JSON: under each construct's id one graph for every metric, with its alarm's bound drawn in."""
    widgets: list[dict[str, Any]] = []
    y = 0
    for construct_id, found in watches.items():
        widgets.append(
            {
                "type": "text",
                "x": 0,
                "y": y,
                "width": 24,
                "height": 1,
                "properties": {"markdown": f"## {construct_id.replace('_', ' ')}", "background": "transparent"},
            }
        )
        y += 1
        metrics = list(dict.fromkeys((watch.namespace, watch.metric_name) for watch in found))
        for place, metric in enumerate(metrics):
            widgets.append(
                {
                    "type": "metric",
                    "x": place % _COLUMNS * _WIDTH,
                    "y": y + place // _COLUMNS * _HEIGHT,
                    "width": _WIDTH,
                    "height": _HEIGHT,
                    "properties": _graph([w for w in found if (w.namespace, w.metric_name) == metric], region),
                }
            )
        y += -(-len(metrics) // _COLUMNS) * _HEIGHT
    return json.dumps({"widgets": widgets})


def _graph(watches: Sequence[Watch], region: str) -> dict[str, Any]:
    return {
        "title": watches[0].metric_name,
        "region": region,
        "view": "timeSeries",
        "metrics": [
            [
                watch.namespace,
                watch.metric_name,
                *(part for dimension in watch.dimensions.items() for part in dimension),
                {"stat": watch.statistic, "period": watch.period_seconds},
            ]
            for watch in watches
        ],
        "annotations": {
            "horizontal": [{"label": "alarm", "value": bound} for bound in sorted({w.threshold for w in watches})]
        },
    }
