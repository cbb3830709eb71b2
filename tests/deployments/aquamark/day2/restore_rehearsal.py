"""A whole Aquamark of its own: a copy of the repository, applied to an emulator with the real Terraform."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

from deployments.aquamark.day2.site import Site
from deployments.aquamark.day2.upgrade import Upgrade
from emulator.server import Emulator
from operations.console import new_console
from synth.kept_stacks import SWITCH
from tests.deployments.applied_stack import AppliedStack, CutOff

A, B = "1.4.6", "1.4.7"


@contextmanager
def finished_stacks_kept() -> Iterator[None]:
    """A synth in the block synthesises what changed, as those of operators do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv(SWITCH, raising=False)
        yield


class Rehearsal(AppliedStack):
    """Aquamark's stack, with version A serving after its first upgrade."""

    def __init__(self, root: Path, emulator: Emulator) -> None:
        super().__init__(root, emulator, "aquamark-dev")
        self.site = Site("dev", root=root, aws=self.aws, poll_seconds=0.2)

    def __enter__(self) -> Self:
        super().__enter__()
        for version in (A, B):
            self.push(version)
        secrets = self.aws.client("secretsmanager", region=self.stack.region)
        for role in ("attachments", "login", "smtp"):
            secrets.put_secret_value(SecretId=f"aquamark-dev-{role}", SecretString="{}")
        self.upgrade(version=A)
        return self

    def push(self, version: str) -> None:
        """An image that is nothing but its tag."""
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "layers": [], "config": {"digest": version}})
        ecr = self.aws.client("ecr", region=self.stack.region)
        ecr.put_image(repositoryName="aquamark-dev-app", imageManifest=manifest, imageTag=version)

    def upgrade(self, *, cut_after: str | None = None, **asked: Any) -> str:
        """Lines of an upgrade; CutOff once the named step is done."""

        def cut(step: str) -> None:
            if step == cut_after:
                raise CutOff(step)

        said = io.StringIO()
        asked = {"terraform_environment": self.environment, "after_step": cut, "timeout_seconds": 60, **asked}
        with finished_stacks_kept():
            Upgrade(self.site, **asked).run(new_console(file=said, width=200))
        return said.getvalue()

    def serving(self) -> set[str]:
        """The versions whose instances the load balancer has among its targets."""
        groups = self.site.web_groups()
        of = {i["InstanceId"]: name.rpartition("-")[2] for name, g in groups.items() for i in g["Instances"]}
        return {of.get(target, "a stranger") for target in self.site.targets()}
