"""The settings of every stack, read from the files of every deployment and checked against each other."""

from __future__ import annotations

import ipaddress
import pkgutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from config.components import OwnNetwork
from config.deployment import DeploymentSettings
from config.environment import ENVIRONMENTS, Environment, environment_names, load_environment
from config.registry import DEPLOYMENTS, Deployment
from config.settings import ROOT, Problem, SettingsError, display_name, load
from config.types import MOST_TAGS

FOLDER = ROOT / "deployments"


@dataclass(frozen=True)
class StackSettings:
    """One deployment in one environment, settings read: what becomes one stack."""

    deployment: Deployment
    environment: Environment
    settings: DeploymentSettings
    file: str
    """Where the settings were read from, as operators know it."""

    @property
    def stack_name(self) -> str:
        """The stack's name, and its folder's below generated/stacks."""
        return f"{self.deployment.name}-{self.environment.name}"


def settings_model(deployment: Deployment) -> type[DeploymentSettings]:
    """The class that the settings files of `deployment` are read into."""
    model: type[DeploymentSettings] = pkgutil.resolve_name(deployment.settings)
    return model


def load_all(
    deployments: Sequence[Deployment] = DEPLOYMENTS,
    *,
    folder: Path = FOLDER,
    environments: Path = ENVIRONMENTS,
) -> list[StackSettings]:
    """Every deployment in every environment it has a file for, in a fixed order.

    Raises SettingsError with every problem of all files at once.
    """
    problems: list[Problem] = []
    known: dict[str, Environment] = {}
    for name in environment_names(environments):
        try:
            known[name] = load_environment(name, environments)
        except SettingsError as error:
            problems.extend(error.problems)
    stacks: list[StackSettings] = []
    for deployment in deployments:
        for path in sorted((folder / deployment.folder / "environments").glob("*.toml")):
            try:
                settings = load(path, settings_model(deployment))
            except SettingsError as error:
                problems.extend(error.problems)
                continue
            if path.stem in known:
                stacks.append(StackSettings(deployment, known[path.stem], settings, display_name(path)))
            elif not (environments / path.name).exists():
                names = ", ".join(environment_names(environments))
                problems.append(
                    Problem(display_name(path), "", "", f"there is no environment {path.stem}; environments: {names}")
                )
    problems.extend(_overlapping_networks(stacks))
    problems.extend(_too_many_tags(stacks))
    if problems:
        raise SettingsError(problems)
    return stacks


def _too_many_tags(stacks: Sequence[StackSettings]) -> Iterator[Problem]:
    for stack in stacks:
        number = len(stack.environment.tags | stack.settings.tags)
        if number > MOST_TAGS:
            message = f"{number} tags with those of {stack.environment.name}; at most {MOST_TAGS}, as AWS takes 50"
            yield Problem(stack.file, "tags", "", message)


def _overlapping_networks(stacks: Sequence[StackSettings]) -> Iterator[Problem]:
    """Networks of one environment must be apart, so that they can be peered later without renumbering."""
    seen: list[tuple[StackSettings, ipaddress.IPv4Network]] = []
    for stack in stacks:
        if isinstance(stack.settings.network, OwnNetwork):
            network = ipaddress.IPv4Network(stack.settings.network.cidr_block)
            for other, taken in seen:
                if other.environment == stack.environment and network.overlaps(taken):
                    yield Problem(stack.file, "network.cidr_block", f'"{network}"', f"overlaps {taken} of {other.file}")
            seen.append((stack, network))
