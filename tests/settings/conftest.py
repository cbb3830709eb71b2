"""A scratch copy of every committed settings file, to be spoilt."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from config.environment import ENVIRONMENTS
from config.registry import DEPLOYMENTS
from config.settings import SettingsError
from config.stack_settings import FOLDER, StackSettings, load_all


@dataclass
class Files:
    """The copies: `root/environments/dev.toml` and `root/<deployment>/environments/dev.toml`."""

    root: Path

    def path(self, name: str) -> Path:
        return self.root / name

    def replace(self, name: str, old: str, new: str) -> None:
        """Replaces the only occurrence of `old` in a file."""
        text = self.path(name).read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in {name}"
        self.path(name).write_text(text.replace(old, new))

    def load(self) -> list[StackSettings]:
        return load_all(folder=self.root, environments=self.root / "environments")

    def refusals(self) -> list[str]:
        """Output of loading, with file names relative to the copy."""
        with pytest.raises(SettingsError) as refused:
            self.load()
        return [str(problem).replace(f"{self.root}/", "") for problem in refused.value.problems]


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return copy_settings(tmp_path / "settings")


def copy_settings(root: Path) -> Files:
    shutil.copytree(ENVIRONMENTS, root / "environments")
    for deployment in DEPLOYMENTS:
        shutil.copytree(FOLDER / deployment.folder / "environments", root / deployment.folder / "environments")
    return Files(root)
