"""A whole Aquamark of its own: a copy of the repository, applied to an emulator with the real Terraform."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

from config.environment import load_environment
from config.settings import ROOT
from deployments.aquamark.day2.site import Site
from deployments.aquamark.day2.upgrade import Upgrade
from emulator.server import Emulator
from operations.aws import Aws
from operations.console import new_console
from operations.demo.prerequisites import make_existing
from operations.stacks import find_stacks, only
from operations.state.bootstrap import bootstrap
from operations.terraform.run import Run

A, B = "1.4.6", "1.4.7"
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv*", ".runs", ".hypothesis", ".mypy_cache", ".*_cache", "__pycache__", "tests", "docs", "other"
)


class CutOff(Exception):
    """The run ended here, as if its machine had been switched off."""


class Rehearsal:
    """A repository of its own, applied to an emulator of its own, with version A serving after its first upgrade."""

    def __init__(self, root: Path, emulator: Emulator) -> None:
        shutil.copytree(ROOT, root, ignore=NOT_COPIED, symlinks=True)
        self.root = root
        settings = load_environment("dev", root / "config" / "environments")
        self.stack = only(find_stacks(root), "aquamark-dev")
        self.aws = Aws(emulator.environment(account_id=settings.account_id, region=self.stack.region))
        state = Aws(emulator.environment(account_id=settings.account_id, region=settings.state.region))
        bootstrap(state, settings)
        make_existing(self.aws, [self.stack])
        self.environment = emulator.full_environment(account_id=settings.account_id, region=self.stack.region)
        self.site = Site("dev", root=root, aws=self.aws, poll_seconds=0.2)
        with Run("rehearsal", root=root) as run:
            terraform = run.terraform(self.stack, environment=self.environment)
            terraform.init()
            terraform.apply(terraform.plan())
        for version in (A, B):
            self.push(version)
        secrets = self.aws.client("secretsmanager", region=self.stack.region)
        for role in ("attachments", "login", "smtp"):
            secrets.put_secret_value(SecretId=f"aquamark-dev-{role}", SecretString="{}")
        self.upgrade(version=A)

    def push(self, version: str) -> None:
        """An image that is nothing but its tag."""
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "layers": [], "config": {"digest": version}})
        ecr = self.aws.client("ecr", region=self.stack.region)
        ecr.put_image(repositoryName="aquamark-dev-app", imageManifest=manifest, imageTag=version)

    def upgrade(self, *, cut_after: str | None = None, **asked: Any) -> str:
        """What an upgrade says; CutOff once the named step is done."""

        def cut(step: str) -> None:
            if step == cut_after:
                raise CutOff(step)

        said = io.StringIO()
        Upgrade(self.site, terraform_environment=self.environment, after_step=cut, timeout_seconds=60, **asked).run(
            new_console(file=said, width=200)
        )
        return said.getvalue()

    def serving(self) -> set[str]:
        """The versions whose instances the load balancer has among its targets."""
        groups = self.site.web_groups()
        of = {i["InstanceId"]: name.rpartition("-")[2] for name, g in groups.items() for i in g["Instances"]}
        return {of.get(target, "a stranger") for target in self.site.targets()}
