"""Programs that really run behind the API: none, unless a file says so.

The file, `Emulator.start(behind=…)`, may be changed at any time. It is JSON:

    {"containers": {"<repository>": {"command": ["python", "-m", "…"], "environment": {"PYTHONPATH": "…"}}},
     "databases": {"<cluster identifier>": {"host": "127.0.0.1", "port": 15432, "database": "…"}}}

An ECS task whose image is of that repository is a process of that command; the Data API of that cluster asks that
PostgreSQL server, signed in as the secret of the request says.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

VARIABLE = "QUINTET_EMULATOR_BEHIND"
"""The environment variable that takes the file's path to the emulator's process."""


def container_behind(image: str) -> Mapping[str, Any] | None:
    """How to run the image `<registry>/<repository>:<tag>`; None when nobody said so."""
    repository = image.split("@")[0].rpartition(":")[0].partition("/")[2]
    found: Mapping[str, Any] | None = _read().get("containers", {}).get(repository)
    return found


def database_behind(cluster: str) -> Mapping[str, Any] | None:
    """Which server answers for the cluster with this identifier; None when nobody said so."""
    found: Mapping[str, Any] | None = _read().get("databases", {}).get(cluster)
    return found


def _read() -> dict[str, Any]:
    path = os.environ.get(VARIABLE)
    if not path or not Path(path).is_file():
        return {}
    loaded: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
    return loaded
