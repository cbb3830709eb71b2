"""The version in an environment's settings file: the one place that says which image runs."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from config.settings import SettingsError, load
from deployments.aquamark.settings import AquamarkSettings
from operations.errors import OperatorError

if TYPE_CHECKING:
    from pathlib import Path

_LINE = re.compile(r'^(?:version|previous_version|rolled_back_from) = ".*"\n', re.MULTILINE)


@dataclass(frozen=True)
class Versions:
    """Versions in the settings, by their keys there."""

    version: str | None
    previous_version: str | None = None
    rolled_back_from: str | None = None

    @property
    def wanted(self) -> str:
        """The version. Raises OperatorError before there was one."""
        if self.version is None:
            raise OperatorError("The settings name no version yet.", hint="quintet aquamark upgrade VERSION")
        return self.version


@dataclass(frozen=True)
class VersionSetting:
    """The settings file of one environment."""

    path: Path

    @staticmethod
    def of(root: Path, environment: str) -> VersionSetting:
        """That of `environment`. Raises OperatorError when there is no such environment."""
        path = root / "deployments" / "aquamark" / "environments" / f"{environment}.toml"
        if not path.is_file():
            names = ", ".join(sorted(other.stem for other in path.parent.glob("*.toml")))
            raise OperatorError(f"Aquamark has no environment {environment}; it has {names}.")
        return VersionSetting(path)

    def read(self) -> Versions:
        """Reads the versions. Raises SettingsError."""
        settings = load(self.path, AquamarkSettings)
        return Versions(settings.version, settings.previous_version, settings.rolled_back_from)

    def write(self, versions: Versions) -> None:
        """Put them above the first table, at once; every other line stays as it is.

        Raises SettingsError, with the file as it was, when the result would not be valid.
        """
        head, table, rest = self.path.read_text(encoding="utf-8").partition("\n[")
        lines = "".join(f'{name} = "{value}"\n' for name, value in asdict(versions).items() if value is not None)
        text = _LINE.sub("", head + "\n").rstrip("\n") + "\n" + lines + table + rest
        unfinished = self.path.with_suffix(".toml.new")
        unfinished.write_text(text, encoding="utf-8")
        try:
            load(unfinished, AquamarkSettings)
            unfinished.replace(self.path)
        except SettingsError:
            unfinished.unlink()
            raise
