"""Dated facts of AWS: what it offers, what nobody may set, what ends when. Read from a folder of JSON files.

A file holds any number of groups, and a group is `{"source": "…", "day": "2026-11-28", "values": …}`. Groups that are
not listed here are somebody else's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from emulator.errors import EmulatorError

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(frozen=True)
class Facts:
    """Values of the groups, each under its group's name."""

    database_versions: dict[str, list[str]]
    """Engine → versions that can be created, oldest first."""
    database_classes: Mapping[str, Mapping[str, Sequence[str]]]
    """Engine → family (`db.t3`) → sizes."""
    fixed_parameters: Mapping[str, Sequence[str]]
    """Parameter group family → parameters that nobody may set."""
    absent_parameters: Mapping[str, Sequence[str]]
    """Parameter group family → parameters that an earlier series had and this one has not."""
    cache_versions: Mapping[str, Sequence[str]]
    cache_node_types: Mapping[str, Sequence[str]]
    """Family (`cache.t3`) → sizes."""
    platform_branches: Sequence[Mapping[str, str | None]]
    """Elastic Beanstalk: `branch`, `newest_version` known, and the day it `retires`."""
    function_runtimes: Mapping[str, Mapping[str, str | None]]
    """Lambda runtime → days on which it is `deprecated`, `creation_ends` and `update_ends`."""


_at_hand: Facts | None = None


def use(folder: Path | None) -> Facts | None:
    """Read the facts that this process goes by; without a folder it has none."""
    global _at_hand  # one process is one AWS
    _at_hand = read_facts(folder) if folder else None
    return _at_hand


def at_hand() -> Facts | None:
    """The facts of this process; None when it was started without."""
    return _at_hand


def needed() -> Facts:
    """The facts of this process. NotImplementedError when it was started without: it then has no answer."""
    if _at_hand is None:
        raise NotImplementedError("the emulator was started without facts of AWS")
    return _at_hand


def release_database_version(engine: str, version: str) -> None:
    """Offer one more version from now on, as AWS does with a release; nothing happens without facts."""
    offered = _at_hand.database_versions.setdefault(engine, []) if _at_hand else [version]
    if version not in offered:
        series = version.rpartition(".")[0]
        of_series = [place for place, one in enumerate(offered) if one.rpartition(".")[0] == series]
        offered.insert(of_series[-1] + 1 if of_series else len(offered), version)


def read_facts(folder: Path) -> Facts:
    """Read every `*.json` of the folder. EmulatorError when a group that the emulator needs is not there."""
    groups = {
        name: group["values"]
        for path in sorted(folder.glob("*.json"))
        for name, group in json.loads(path.read_text(encoding="utf-8")).items()
        if "values" in group
    }
    missing = [field.name for field in fields(Facts) if field.name not in groups]
    if missing:
        raise EmulatorError(
            f"{folder} has no {', '.join(missing)}.",
            hint="Name the folder that has the dated facts of AWS, config/aws in this repository.",
        )
    return Facts(**{field.name: groups[field.name] for field in fields(Facts)})
