"""The layers of the code, read from the import contracts in pyproject.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

Contract = Mapping[str, Any]


def picture(root: Path) -> str:
    """A flowchart of the packages: an arrow leads to what may be imported, and what has none stands by itself."""
    settings = _settings(root)
    arrows = {arrow for contract in _of_type(settings, "layers") for arrow in pairwise(contract["layers"])}
    lines = ["```mermaid", "flowchart TD"]
    lines += [f"  {package}" for package in settings["root_packages"]]
    lines += [f"  {source} --> {target}" for source, target in sorted(arrows)]
    return "\n".join([*lines, "```"])


def rules(root: Path) -> Iterator[tuple[str, str]]:
    """Each contract: its name, and its rule."""
    settings = _settings(root)
    for contract in _of_type(settings, "layers"):
        yield contract["name"], f"{' → '.join(f'`{layer}`' for layer in contract['layers'])}, never the other way"
    for contract in _of_type(settings, "independence"):
        yield contract["name"], f"{_listed(contract['modules'])} must not import each other"
    for contract in _of_type(settings, "forbidden"):
        sources, targets = _listed(contract["source_modules"]), _listed(contract["forbidden_modules"])
        yield contract["name"], f"{sources} must not import {targets}"


def _settings(root: Path) -> Contract:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    settings: Contract = project["tool"]["importlinter"]
    return settings


def _of_type(settings: Contract, kind: str) -> Iterator[Contract]:
    return (contract for contract in settings["contracts"] if contract["type"] == kind)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
