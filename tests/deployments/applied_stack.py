"""A copy of the repository with one of its stacks applied to an emulator by the real Terraform."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Self

import pytest

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
from operations.terraform.toolchain.providers import provider_installation

NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv*", ".runs", ".hypothesis", ".mypy_cache", ".*_cache", "__pycache__", "tests", "docs", "other"
)


class CutOff(Exception):
    """The run ended here, as if its machine had been switched off."""


class AppliedStack:
    """A repository of its own at `root`, whose stack `name` is applied to an emulator of its own, until the block ends.

    One process of the provider stands for all of its commands.
    """

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
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with self._open:
            run = self._open.enter_context(Run("rehearsal", root=self.root))
            providers = self._open.enter_context(StandingProviders(run))
            self._terraform = run.terraform(self.stack, environment=self.environment)
            self._open.enter_context(providers.attached(self._terraform, self.stack))
            terraform = self.terraform()
            terraform.apply(terraform.plan())
            self._open = self._open.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def terraform(self) -> Terraform:
        """Terraform with what is committed by now."""
        shutil.copytree(self.stack.folder, self._terraform.directory, dirs_exist_ok=True)
        return self._terraform

    @contextmanager
    def provider_held(self) -> Iterator[None]:
        """Have every run of this process use the provider that stands, in the block.

        By itself a run hashes the provider and starts it for each command that changes something, and anew for its
        plans: most of its CPU time. Have one run outside the block too, which shows that the same goes by itself.
        """
        held = {"TF_REATTACH_PROVIDERS": self._terraform.environment["TF_REATTACH_PROVIDERS"]}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                "operations.terraform.run.provider_installation", lambda root: {**provider_installation(root), **held}
            )
            patch.setattr(StandingProviders, "attached", lambda *_: nullcontext())
            yield

    def planned(self) -> tuple[tuple[str, str], ...]:
        """The changes of the next plan."""
        return self.terraform().plan().planned
