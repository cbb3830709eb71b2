"""Terraform in a copy of a stack's folder that uses no provider, against the emulator: half a second for each command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

from operations.plans.standing_provider import StandingProviders
from operations.stacks import FILE
from operations.terraform.run import Run
from operations.terraform.terraform import Terraform, run_environment
from tests.operations.terraform_support import ACCOUNT, REGION

if TYPE_CHECKING:
    import pytest

    from emulator.server import Emulator
    from operations.stacks import Stack


def take_out_provider(folder: Path) -> None:
    """Leave `terraform_data`, the backend and outputs in a copy of a stack's folder: its commands load no provider."""
    document = json.loads((folder / FILE).read_text())
    del document["terraform"]["required_providers"], document["provider"]
    (folder / FILE).write_text(json.dumps(document))


def run_without_provider(patch: pytest.MonkeyPatch) -> None:
    """Have runs work in copies without the provider, for stacks of `terraform_data`: a tenth of the CPU time."""
    usual = Run.terraform

    def terraform(self: Run, stack: Stack, **options: Any) -> Terraform:
        found = usual(self, stack, **options)
        take_out_provider(found.directory)
        return found

    patch.setattr(Run, "terraform", terraform)
    patch.setattr(StandingProviders, "attached", lambda *_: nullcontext())


class Clone:
    """The folder of a stack of `terraform_data` only as it is in somebody's clone, without its provider."""

    def __init__(self, stack: Stack, folder: Path, emulator: Emulator) -> None:
        self.folder = folder
        self.environment = run_environment(os.environ, emulator.full_environment(account_id=ACCOUNT, region=REGION))
        shutil.copytree(stack.folder, folder)
        take_out_provider(folder)

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Terraform at work, in a session of its own."""
        return subprocess.Popen(
            ["terraform", *command, "-no-color"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def terraform(self, *command: str, allowed: tuple[int, ...] = (0,)) -> str:
        """Output of Terraform; any exit code but those allowed fails the test."""
        done = subprocess.run(
            ["terraform", *command], cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert done.returncode in allowed, done.stdout + done.stderr
        return done.stdout

    def state(self) -> dict[str, Any]:
        """The state as Terraform reads it; empty when there is none."""
        found: dict[str, Any] = json.loads(self.terraform("state", "pull") or "{}")
        return found

    def change(self, data: dict[str, Any], outputs: dict[str, Any] | None = None) -> None:
        """Write other `terraform_data` resources, and outputs, into the folder."""
        document = json.loads((self.folder / FILE).read_text())
        document["resource"] = {"terraform_data": data}
        document["output"] = outputs if outputs is not None else document["output"]
        (self.folder / FILE).write_text(json.dumps(document))

    def plans_no_changes(self) -> None:
        """The next plan is empty."""
        self.terraform("plan", "-detailed-exitcode")
