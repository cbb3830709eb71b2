"""Nodes come and go in plans of the real Terraform against what is applied: nothing of another node is in them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.limits import FACTS
from emulator.server import Emulator
from tests.deployments.applied_stack import AppliedStack

pytestmark = pytest.mark.terraform(minutes=5)
STACK = "sync-storage-dev"
SETTINGS = "deployments/sync_storage/environments/dev.toml"
Actions = dict[str, list[str]]


class Applied(AppliedStack):
    """A repository of its own, whose Sync Storage is on an emulator of its own."""

    def __init__(self, root: Path, emulator: Emulator) -> None:
        super().__init__(root, emulator, STACK)
        self.settings = root / SETTINGS

    def plan(self, *, apply: bool) -> Actions:
        """The actions of the plan with the settings as they are, by address; applied when that is asked for."""
        variables = {**os.environ, "CDKTF_OUTDIR": str(self.root / "generated")}
        subprocess.run([sys.executable, "main.py", STACK], cwd=self.root, env=variables, check=True)
        terraform = self.terraform()
        plan = terraform.plan()
        shown = terraform.show_json(plan)
        if apply:
            terraform.apply(plan)
        changes = {change["address"]: change["change"]["actions"] for change in shown["resource_changes"]}
        return {address: actions for address, actions in changes.items() if actions != ["no-op"]}


@pytest.fixture
def applied(tmp_path: Path) -> Iterator[Applied]:
    with (
        Emulator.start(log=tmp_path / "emulator.log", facts=FACTS) as emulator,
        Applied(tmp_path / "repository", emulator) as applied,
    ):
        yield applied


def test_a_node_comes_and_goes_and_the_plans_hold_nothing_of_another(applied: Applied) -> None:
    with_one = applied.settings.read_text()
    node = with_one[with_one.index("[nodes.a]") : with_one.index("[webheads]")]

    applied.settings.write_text(with_one + "\n" + node.replace("nodes.a", "nodes.b"))
    coming = applied.plan(apply=True)
    assert coming.pop("aws_cloudwatch_dashboard.alarms_dashboard") == ["update"], "it draws the node in"
    assert {address for address in coming if not of_node_b(address)} == set()
    assert set(map(tuple, coming.values())) == {("create",)}
    assert {"aws_db_instance", "aws_route53_record"} <= {address.split(".")[0] for address in coming}

    applied.settings.write_text(with_one)
    going = applied.plan(apply=False)
    assert going.pop("aws_cloudwatch_dashboard.alarms_dashboard") == ["update"]
    assert going == {address: ["delete"] for address in coming}


def of_node_b(address: str) -> bool:
    return ".nodes_b_" in address or ".alarms_nodes_b_" in address
