"""Refuses that a stack with protected data leaves the repository before it was destroyed on purpose.

Without its folder nothing plans, checks or backs up what still runs in AWS.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

from config.environment import environment_names, load_environment
from config.settings import ROOT, Problem, Settings, SettingsError, load
from config.types import Name, Reason

FILE = "config/retired_stacks.toml"


class Retirement(Settings):
    """The end of one stack."""

    on: date
    """The day it was destroyed."""
    reason: Reason


class RetiredStacks(Settings):
    """The whole file: stack → its end."""

    stacks: dict[Name, Retirement] = {}


def refuse_lost_stacks(stacks: Iterable[str], *, root: Path = ROOT, output: Path | None = None) -> None:
    """Raises SettingsError for each stack that holds protected data and is neither in `stacks` nor retired.

    Stacks are found by their folders in `output` (`generated/` by default) and by their recorded addresses.
    """
    wanted = set(stacks)
    retired = load(root / FILE, RetiredStacks).stacks
    problems = [
        Problem(FILE, f"stacks.{name}", "", "has settings, so it is not retired: remove the line")
        for name in sorted(wanted & set(retired))
    ]
    for name, evidence in sorted(dict(_protected(root, output or root / "generated")).items()):
        if name not in wanted and name not in retired:
            problems.append(
                Problem(
                    evidence,
                    "",
                    "",
                    f"{name} holds protected data and has no settings any more. "
                    f"Restore its settings, or destroy the stack and add it to {FILE}: docs/retire-a-stack.md",
                )
            )
    if problems:
        raise SettingsError(problems)


def _protected(root: Path, output: Path) -> Iterator[tuple[str, str]]:
    """The stacks that hold protected data, each with the file that proves it."""
    environments = root / "config" / "environments"
    for record in root.glob("deployments/*/addresses/*.txt"):
        known = record.stem in environment_names(environments)
        if record.read_bytes().split() and not (known and not load_environment(record.stem, environments).protect_data):
            yield f"{record.parents[1].name.replace('_', '-')}-{record.stem}", str(record.relative_to(root))
    for file in output.glob("stacks/*/cdk.tf.json"):
        if _prevents_destruction(file):
            yield file.parent.name, str(file.relative_to(root) if file.is_relative_to(root) else file)


def _prevents_destruction(file: Path) -> bool:
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        return any(
            resource.get("lifecycle", {}).get("prevent_destroy")
            for resources in document.get("resource", {}).values()
            for resource in resources.values()
        )
    except (ValueError, AttributeError):  # damaged: nothing says that it holds no data
        return True
