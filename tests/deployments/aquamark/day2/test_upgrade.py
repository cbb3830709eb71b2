"""An upgrade of Aquamark on the emulator with the real Terraform: there and back, cut off after every step."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from config.limits import FACTS
from deployments.aquamark.day2.upgrade import STEPS
from deployments.aquamark.day2.version_setting import Versions, VersionSetting
from emulator.server import Emulator
from operations.demo.synth import synthesise
from operations.errors import OperatorError
from operations.terraform.run import Run
from tests.deployments.applied_stack import CutOff
from tests.deployments.aquamark.day2.restore_rehearsal import A, B, Rehearsal, finished_stacks_kept

pytestmark = [pytest.mark.terraform(minutes=14), pytest.mark.xdist_group("aquamark-upgrade")]


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
    with (
        Emulator.start(log=folder / "emulator.log", facts=FACTS) as emulator,
        Rehearsal(folder / "repository", emulator) as rehearsal,  # its first upgrade is as operators have it
        rehearsal.provider_held(),
    ):
        yield rehearsal


def serving(rehearsal: Rehearsal) -> Watcher:
    """All targets that answer, whatever their group: asked without the state, which is being written."""
    elb = rehearsal.aws.client("elbv2", region=rehearsal.stack.region)
    (group,) = elb.describe_target_groups()["TargetGroups"]

    def targets() -> set[str]:
        found = elb.describe_target_health(TargetGroupArn=group["TargetGroupArn"])["TargetHealthDescriptions"]
        return {target["Target"]["Id"] for target in found if target["TargetHealth"]["State"] == "healthy"}

    return Watcher(targets)


def test_the_plan_of_an_upgrade_makes_the_new_fleet_first_and_leaves_balancer_dns_and_database_alone(
    rehearsal: Rehearsal,
) -> None:
    setting = VersionSetting.of(rehearsal.root, "dev")
    setting.write(Versions(B))
    with Run("plan", root=rehearsal.root) as run, finished_stacks_kept():
        synthesise(run)
    terraform = rehearsal.terraform()
    changes = terraform.show_json(terraform.plan())["resource_changes"]
    setting.write(Versions(A))
    changed = {change["address"]: change["change"]["actions"] for change in changes}
    changed = {address: actions for address, actions in changed.items() if actions != ["no-op"]}
    assert changed["aws_autoscaling_group.web"] == ["create", "delete"]
    assert changed["aws_autoscaling_group.daemons"] == ["update"]
    kept = (
        "aws_lb",
        "aws_route53",
        "aws_acm",
        "aws_db_",
        "aws_s3",
        "aws_secretsmanager",
        "aws_security_group",
        "aws_vpc",
    )
    assert not [address for address in changed if address.startswith(kept)]


def test_an_upgrade_whose_plan_touches_the_load_balancer_is_refused(rehearsal: Rehearsal) -> None:
    setting = VersionSetting.of(rehearsal.root, "dev")
    before = setting.path.read_text()
    setting.path.write_text(before + "\n[load_balancer]\nidle_timeout_seconds = 90\n")
    with pytest.raises(
        OperatorError, match=r"more than a version: .*aws_lb\.load_balancer \(update\).*Nothing was changed"
    ):
        rehearsal.upgrade(version=B)
    assert rehearsal.serving() == {A}
    setting.path.write_text(before)


def test_an_upgrade_there_and_back_survives_a_fault_after_every_step(rehearsal: Rehearsal) -> None:
    assert rehearsal.serving() == {A}
    with pytest.raises(OperatorError, match=r"has no image 9\.9; it has 1\.4\.6, 1\.4\.7\. Nothing was changed"):
        rehearsal.upgrade(version="9.9")

    with serving(rehearsal) as watcher:
        for step in STEPS:
            with pytest.raises(CutOff, match=step):
                rehearsal.upgrade(version=B, cut_after=step)
            assert rehearsal.serving() == ({A} if STEPS.index(step) < STEPS.index("fleet") else {B})
        said = rehearsal.upgrade(version=B)
    assert "7 of 7  daemons: run 1.4.7" in said
    assert "To go back to 1.4.6: quintet aquamark upgrade --rollback --environment dev" in said
    assert all(watcher.seen), "for a moment nobody served"

    with serving(rehearsal) as watcher:
        for step in STEPS:
            with pytest.raises(CutOff, match=step):
                rehearsal.upgrade(rollback=True, cut_after=step)
            assert rehearsal.serving() == ({B} if STEPS.index(step) < STEPS.index("fleet") else {A})
        rehearsal.upgrade(rollback=True)
    assert rehearsal.serving() == {A}
    assert all(watcher.seen), "for a moment nobody served"
    assert list(rehearsal.site.web_groups()) == ["aquamark-dev-web-1.4.6"]
