"""Every deployment, one line each: strings and data only. The code that needs a part imports it by these names."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Deployment:
    """One deployment: its names, and where its parts are defined."""

    name: str
    """As in stack names, state keys and resource names."""
    alias: str
    """The command of its day-2 work: `quintet <alias>`."""
    classes: str
    """The beginning of the names of its classes: `<classes>Settings`, `<classes>Outputs`, `<classes>Stack`."""
    help: str
    """One line for the list of commands."""

    @property
    def folder(self) -> str:
        """The folder's name below deployments/."""
        return self.name.replace("-", "_")

    @property
    def package(self) -> str:
        """The Python package of that folder."""
        return f"deployments.{self.folder}"

    @property
    def settings(self) -> str:
        """`package.module:Class` of a DeploymentSettings."""
        return f"{self.package}.settings:{self.classes}Settings"

    @property
    def outputs(self) -> str:
        """`package.module:Class` of a DeploymentOutputs."""
        return f"{self.package}.outputs:{self.classes}Outputs"

    @property
    def stack(self) -> str:
        """`package.module:Class` of a DeploymentStack, created from (app, environment=, settings=)."""
        return f"{self.package}.stack:{self.classes}Stack"

    @property
    def day2(self) -> str:
        """The package of its commands, checks and rehearsal; a deployment may have none of them."""
        return f"{self.package}.day2"


DEPLOYMENTS = (
    Deployment("aquamark", "aquamark", "Aquamark", "Day-2 work on Aquamark."),
    Deployment("beaver-contest", "beaver", "BeaverContest", "Day-2 work on the Beaver Contest."),
    Deployment("canvas-data-2", "canvas", "CanvasData2", "Day-2 work on Canvas Data 2."),
    Deployment("suai-cloud-app", "suai", "SuaiCloudApp", "Day-2 work on the SUAI Cloud App."),
    Deployment("sync-storage", "sync-storage", "SyncStorage", "Day-2 work on Sync Storage."),
)
