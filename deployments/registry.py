"""Every deployment there is, and its settings in each environment. Imports cdktf only when asked for a stack."""

from __future__ import annotations

import ipaddress
import pkgutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from config.components import OwnNetwork
from config.deployment import DeploymentSettings
from config.environment import ENVIRONMENTS, Environment, environment_names, load_environment
from config.settings import ROOT, Problem, SettingsError, display_name, load

if TYPE_CHECKING:
    from cdktf import App

    from modules.stack import DeploymentStack

FOLDER = ROOT / "deployments"


@dataclass(frozen=True)
class Deployment:
    """One deployment: its name, and where its settings and its stack are defined."""

    name: str
    """As in stack names, state keys and resource names."""
    settings: str
    """`package.module:Class` of a DeploymentSettings."""
    stack: str
    """`package.module:Class` of a DeploymentStack, made from (app, environment=, settings=)."""

    @property
    def folder(self) -> str:
        """The folder's name below deployments/."""
        return self.name.replace("-", "_")

    def settings_model(self) -> type[DeploymentSettings]:
        """The class its settings files are read into."""
        model: type[DeploymentSettings] = pkgutil.resolve_name(self.settings)
        return model

    def stack_class(self) -> type[DeploymentStack]:
        """The stack; this imports cdktf."""
        stack: type[DeploymentStack] = pkgutil.resolve_name(self.stack)
        return stack


DEPLOYMENTS = (
    Deployment(
        "aquamark",
        settings="deployments.aquamark.settings:AquamarkSettings",
        stack="deployments.aquamark.stack:AquamarkStack",
    ),
    Deployment(
        "beaver-contest",
        settings="deployments.beaver_contest.settings:BeaverContestSettings",
        stack="deployments.beaver_contest.stack:BeaverContestStack",
    ),
    Deployment(
        "canvas-data-2",
        settings="deployments.canvas_data_2.settings:CanvasData2Settings",
        stack="deployments.canvas_data_2.stack:CanvasData2Stack",
    ),
    Deployment(
        "suai-cloud-app",
        settings="deployments.suai_cloud_app.settings:SuaiCloudAppSettings",
        stack="deployments.suai_cloud_app.stack:SuaiCloudAppStack",
    ),
    Deployment(
        "sync-storage",
        settings="deployments.sync_storage.settings:SyncStorageSettings",
        stack="deployments.sync_storage.stack:SyncStorageStack",
    ),
)


@dataclass(frozen=True)
class Plan:
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

    def synthesise(self, app: App) -> DeploymentStack:
        """Adds the stack to `app`."""
        stack = self.deployment.stack_class()
        return stack(app, environment=self.environment, settings=self.settings)  # type: ignore[call-arg]  # each names its own deployment


def load_all(
    deployments: Sequence[Deployment] = DEPLOYMENTS,
    *,
    folder: Path = FOLDER,
    environments: Path = ENVIRONMENTS,
) -> list[Plan]:
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
    plans: list[Plan] = []
    for deployment in deployments:
        for path in sorted((folder / deployment.folder / "environments").glob("*.toml")):
            try:
                settings = load(path, deployment.settings_model())
            except SettingsError as error:
                problems.extend(error.problems)
                continue
            if path.stem in known:
                plans.append(Plan(deployment, known[path.stem], settings, display_name(path)))
            elif not (environments / path.name).exists():
                names = ", ".join(environment_names(environments))
                problems.append(
                    Problem(display_name(path), "", "", f"there is no environment {path.stem}; environments: {names}")
                )
    problems.extend(_overlapping_networks(plans))
    if problems:
        raise SettingsError(problems)
    return plans


def _overlapping_networks(plans: Sequence[Plan]) -> Iterator[Problem]:
    """Networks of one environment must be apart, so that they can be peered later without renumbering."""
    seen: list[tuple[Plan, ipaddress.IPv4Network]] = []
    for plan in plans:
        if isinstance(plan.settings.network, OwnNetwork):
            network = ipaddress.IPv4Network(plan.settings.network.cidr_block)
            for other, taken in seen:
                if other.environment == plan.environment and network.overlaps(taken):
                    yield Problem(plan.file, "network.cidr_block", f'"{network}"', f"overlaps {taken} of {other.file}")
            seen.append((plan, network))
