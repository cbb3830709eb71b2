"""An upgrade of Aquamark on the emulator with the real Terraform: there and back, cut off after every step."""

from __future__ import annotations

import io
import json
import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from config.environment import load_environment
from config.settings import ROOT
from operations.aquamark.site import Site
from operations.aquamark.upgrade import STEPS, Upgrade
from operations.aws import Aws
from operations.bootstrap import bootstrap
from operations.emulator.server import Emulator
from operations.errors import OperatorError
from operations.existing import make_existing
from operations.runs import Run
from operations.stacks import find_stacks, only

pytestmark = pytest.mark.terraform
A, B = "1.0.1", "1.0.2"
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv*", ".runs", ".hypothesis", ".mypy_cache", ".*_cache", "__pycache__", "tests", "docs", "other"
)


class CutOff(Exception):
    """The run ended here, as if its machine had been switched off."""


class Rehearsal:
    """A repository of its own, applied to an emulator of its own, with version A serving."""

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
            Console(file=said, width=200)
        )
        return said.getvalue()

    def serving(self) -> set[str]:
        """The versions whose instances the load balancer has among its targets."""
        groups = self.site.web_groups()
        of = {i["InstanceId"]: name.rpartition("-")[2] for name, g in groups.items() for i in g["Instances"]}
        return {of.get(target, "a stranger") for target in self.site.targets()}


class Watcher:
    """Looks at who serves, over and over, until the block ends."""

    def __init__(self, look: Callable[[], set[str]]) -> None:
        self.seen: list[set[str]] = []
        self._look = look
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.1):
            self.seen.append(self._look())


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsal]:
    folder = tmp_path_factory.mktemp("rehearsal")
    with Emulator.start(log=folder / "emulator.log") as emulator:
        yield Rehearsal(folder / "repository", emulator)


def targets(rehearsal: Rehearsal) -> set[str]:
    """All that the load balancer knows, whatever their group: asked without the state, which is being written."""
    elb = rehearsal.aws.client("elbv2", region=rehearsal.stack.region)
    (group,) = elb.describe_target_groups()["TargetGroups"]
    found = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
    return {target["Target"]["Id"] for target in found if target["TargetHealth"]["State"] == "healthy"}


def test_an_upgrade_there_and_back_survives_a_fault_after_every_step(rehearsal: Rehearsal) -> None:
    assert rehearsal.serving() == {A}
    with pytest.raises(OperatorError, match=r"has no image 9\.9; it has 1\.0\.1, 1\.0\.2\. Nothing was changed"):
        rehearsal.upgrade(version="9.9")

    with Watcher(lambda: targets(rehearsal)) as watcher:
        for step in STEPS:
            with pytest.raises(CutOff, match=step):
                rehearsal.upgrade(version=B, cut_after=step)
            assert rehearsal.serving() == ({A} if STEPS.index(step) < STEPS.index("fleet") else {B})
        said = rehearsal.upgrade(version=B)
    assert "7 of 7  daemons: run 1.0.2" in said
    assert "To go back to 1.0.1: quintet aquamark upgrade --rollback --environment dev" in said
    assert all(watcher.seen), "for a moment nobody served"

    with Watcher(lambda: targets(rehearsal)) as watcher:
        for step in STEPS:
            with pytest.raises(CutOff, match=step):
                rehearsal.upgrade(rollback=True, cut_after=step)
            assert rehearsal.serving() == ({B} if STEPS.index(step) < STEPS.index("fleet") else {A})
        rehearsal.upgrade(rollback=True)
    assert rehearsal.serving() == {A}
    assert all(watcher.seen), "for a moment nobody served"
    assert list(rehearsal.site.web_groups()) == ["aquamark-dev-web-1.0.1"]
