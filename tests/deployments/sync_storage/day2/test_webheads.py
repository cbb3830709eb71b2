"""Webheads refreshed batch by batch."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from deployments.sync_storage.day2.webheads import RunningWebheads
from operations.errors import OperatorError
from tests.deployments.sync_storage.day2.sync_storage_support import Account, World, make_account, make_world

if TYPE_CHECKING:
    from emulator.server import Emulator


@pytest.fixture(scope="module")
def shared(emulator: Emulator) -> Account:
    return make_account(emulator, "310000000003")


class Played:
    """Systems Manager and the load balancer as the test wants them: what was sent, who failed, who is unhealthy."""

    def __init__(self, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sent: list[list[str]] = []
        self.failing: set[str] = set()
        self.unhealthy_after: dict[str, set[str]] = {}
        self._unhealthy: set[str] = set()
        ssm, elb = world.client("ssm"), world.client("elbv2")
        really = elb.describe_target_health
        monkeypatch.setattr(ssm, "send_command", self._send)
        monkeypatch.setattr(ssm, "get_command_invocation", self._answer)
        monkeypatch.setattr(elb, "describe_target_health", lambda **which: self._health(really(**which)))

    def _send(self, *, InstanceIds: list[str], **_: Any) -> dict[str, Any]:  # noqa: N803
        self.sent.append(list(InstanceIds))
        for instance in InstanceIds:
            self._unhealthy |= self.unhealthy_after.get(instance, set())
        return {"Command": {"CommandId": "1"}}

    def _answer(self, *, CommandId: str, InstanceId: str) -> dict[str, Any]:  # noqa: N803
        failed = InstanceId in self.failing
        said = "syncstorage-render: ERROR: no\x1b[2J secret" if failed else ""
        return {"Status": "Failed" if failed else "Success", "StandardErrorContent": said}

    def _health(self, found: dict[str, Any]) -> dict[str, Any]:
        for target in found["TargetHealthDescriptions"]:
            if target["Target"]["Id"] in self._unhealthy:
                target["TargetHealth"]["State"] = "unhealthy"
        return found


@pytest.fixture
def world(shared: Account, tmp_path: Path) -> World:
    return make_world(shared, tmp_path)


@pytest.fixture
def played(world: World, monkeypatch: pytest.MonkeyPatch) -> Played:
    return Played(world, monkeypatch)


def webheads(world: World, **changes: Any) -> RunningWebheads:
    console = world.rotation().console
    return RunningWebheads(world.deployed, console, poll_seconds=0, health_seconds=0, **changes)


def test_they_are_refreshed_one_after_another(world: World, played: Played) -> None:
    instances = webheads(world).instances()
    assert webheads(world).refresh() == len(instances) == 2
    assert played.sent == [[instance] for instance in instances]


def test_a_batch_may_be_larger(world: World, played: Played) -> None:
    webheads(world, batch_size=5).refresh()
    assert [len(batch) for batch in played.sent] == [2]


def test_a_webhead_that_fails_stops_it_and_says_why(world: World, played: Played) -> None:
    first, _ = webheads(world).instances()
    played.failing = {first}
    with pytest.raises(OperatorError, match=rf"{first} did not render: Failed. It said: syncstorage-render") as refusal:
        webheads(world).refresh()
    assert played.sent == [[first]]
    assert "\x1b" not in str(refusal.value)


def test_it_stops_when_health_drops_even_of_another_webhead(world: World, played: Played) -> None:
    first, second = webheads(world).instances()
    played.unhealthy_after = {first: {second}}
    with pytest.raises(OperatorError, match=f"{second} is no longer healthy"):
        webheads(world).refresh()
    assert played.sent == [[first]]


def test_webheads_that_come_meanwhile_are_refreshed_too(
    world: World, played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = world.client("autoscaling")
    really = played._send

    def send(**arguments: Any) -> dict[str, Any]:
        if not played.sent:
            group.set_desired_capacity(AutoScalingGroupName="webheads", DesiredCapacity=3)
        return really(**arguments)

    monkeypatch.setattr(world.client("ssm"), "send_command", send)
    try:
        assert webheads(world).refresh() == 3
    finally:
        group.set_desired_capacity(AutoScalingGroupName="webheads", DesiredCapacity=2)


def test_on_the_emulator_the_documents_command_is_sent(world: World) -> None:
    assert webheads(world).refresh() == 2
    commands = world.client("ssm").list_commands()["Commands"]
    assert {command["DocumentName"] for command in commands} == {"render"}
