"""A copy of the repository with one of its stacks applied to an emulator by the real Terraform."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from config.environment import load_environment
from config.settings import ROOT
from emulator.server import Emulator
from operations.aws import Aws
from operations.demo.path_style import path_style
from operations.demo.prerequisites import make_existing
from operations.plans.standing_provider import StandingProviders
from operations.stacks import FILE, find_stacks, only
from operations.state.bootstrap import bootstrap
from operations.terraform.run import Run
from operations.terraform.terraform import Terraform

NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv*", ".runs", ".hypothesis", ".mypy_cache", ".*_cache", "__pycache__", "tests", "docs", "other"
)


class CutOff(Exception):
    """The run ended here, as if its machine had been switched off."""


class AppliedStack:
    """A repository of its own at `root`, whose stack `name` is applied to an emulator of its own."""

    def __init__(self, root: Path, emulator: Emulator, name: str) -> None:
        shutil.copytree(ROOT, root, ignore=NOT_COPIED, symlinks=True)
        self.root = root
        self.stack = only(find_stacks(root), name)
        settings = load_environment(self.stack.environment, root / "config" / "environments")
        self.aws = Aws(emulator.environment(account_id=settings.account_id, region=self.stack.region))
        state = Aws(emulator.environment(account_id=settings.account_id, region=settings.state.region))
        bootstrap(state, settings)
        make_existing(self.aws, [self.stack])
        override = path_style(json.loads((self.stack.folder / FILE).read_text()))
        if override:
            (self.stack.folder / "path_style_override.tf.json").write_text(json.dumps(override))
        self.environment = emulator.full_environment(account_id=settings.account_id, region=self.stack.region)
        run = Run("rehearsal", root=root)
        self._providers = StandingProviders(run)
        self._terraform = run.terraform(self.stack, environment=self.environment)
        self._terraform.init()
        with self.terraform() as terraform:
            terraform.apply(terraform.plan())

    @contextmanager
    def terraform(self) -> Iterator[Terraform]:
        """Terraform with what is committed by now; its commands in the block share one process of the provider."""
        shutil.copytree(self.stack.folder, self._terraform.directory, dirs_exist_ok=True)
        with self._providers.attached(self._terraform, self.stack):
            yield self._terraform

    def planned(self) -> tuple[tuple[str, str], ...]:
        """The changes of the next plan."""
        with self.terraform() as terraform:
            return terraform.plan().planned
