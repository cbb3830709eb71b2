"""Dated facts of AWS, from `config/aws`: what it offers and until when. Each group names its source and its day.

They change without a commit of ours, so nothing reads them while synthesising; `config.limits` has what does not age.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from config.limits import FACTS, FILE
from config.settings import display_name
from operations.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Group:
    """Facts that were looked up together."""

    source: str
    day: date
    values: Any


@dataclass(frozen=True)
class DatedFacts:
    """Every group of dated facts, by its name."""

    groups: Mapping[str, Group]

    def values(self, name: str) -> Any:
        """The values of a group. Raises OperatorError when there is no such group."""
        if name not in self.groups:
            raise OperatorError(
                f"The facts of AWS have no group {name}.", hint="Take config/aws from git, or quintet facts refresh."
            )
        return self.groups[name].values

    def day(self, name: str) -> date:
        """The day on which a group was looked up."""
        return self.groups[name].day

    def series(self, engine: str) -> list[str]:
        """Release series of a database engine of which a version can be created, oldest first."""
        parts = 1 if "postgres" in engine else 2
        found = (".".join(version.split(".")[:parts]) for version in self.values("database_versions")[engine])
        return list(dict.fromkeys(found))

    def support_ends(self, engine: str, series: str) -> tuple[date | None, date | None]:
        """The last days of standard and of extended support; None where they are not known."""
        ends = self.values("database_support").get(engine, {}).get(series, {})
        return _day(ends.get("standard_ends")), _day(ends.get("extended_ends"))


def read_facts(folder: Path = FACTS) -> DatedFacts:
    """The groups of every file of the folder but the limits. Raises OperatorError for a file that is not such."""
    groups: dict[str, Group] = {}
    for path in sorted(folder.glob("*.json")):
        if path.name == FILE.name:
            continue
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
            groups |= {
                name: Group(group["source"], date.fromisoformat(group["day"]), group["values"])
                for name, group in document.items()
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise OperatorError(
                f"{display_name(path)} is not a file of dated facts: {error!r}.",
                hint=f"Take it from git: git checkout -- {display_name(path)}",
            ) from None
    return DatedFacts(groups)


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
