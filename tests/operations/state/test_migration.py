"""The walk-throughs of docs/terraform-cloud.md, with a local state in the place of HCP Terraform."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from operations.aws import Aws
from operations.state.bootstrap import bootstrap
from tests.operations.plain_terraform import Clone
from tests.operations.terraform_support import ACCOUNT, ENVIRONMENT, REGION, write_stack

if TYPE_CHECKING:
    from pathlib import Path

    from emulator.server import Emulator

pytestmark = pytest.mark.terraform
DATA = {"terraform_data": {"a": {"input": "precious"}, "b": {"input": "more"}}}


OVERRIDE = "zzz_backend_override.tf.json"


def elsewhere(clone: Clone) -> None:
    """As HCP Terraform does it, but with a local state."""
    (clone.folder / OVERRIDE).write_text(json.dumps({"terraform": {"backend": {"local": {}}}}))


def in_s3(clone: Clone) -> None:
    (clone.folder / OVERRIDE).unlink()


@pytest.fixture
def clone(request: pytest.FixtureRequest, tmp_path: Path, emulator: Emulator) -> Clone:
    bootstrap(Aws(emulator.environment(account_id=ACCOUNT, region=REGION)), ENVIRONMENT)
    stack = write_stack(tmp_path, DATA, deployment=request.node.name.replace("_", "-")[:40])
    clone = Clone(stack, tmp_path / "clone", emulator)
    clone.terraform("init")
    clone.terraform("apply", "-auto-approve")
    return clone


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return (one["lineage"], one["resources"]) == (other["lineage"], other["resources"])


def test_a_state_goes_from_s3_and_back_by_init(clone: Clone) -> None:
    before = clone.state()
    elsewhere(clone)
    clone.terraform("init", "-migrate-state", "-force-copy")
    assert same(before, json.loads((clone.folder / "terraform.tfstate").read_text()))
    clone.plans_no_changes()
    in_s3(clone)
    clone.terraform("init", "-migrate-state", "-force-copy")
    assert same(before, clone.state())
    clone.plans_no_changes()


def test_a_state_is_pulled_here_and_pushed_there(clone: Clone, tmp_path: Path) -> None:
    before = clone.state()
    copy = tmp_path / "copy.tfstate"
    copy.write_text(json.dumps(before))
    elsewhere(clone)
    clone.terraform("init", "-reconfigure")
    assert clone.state() == {}
    clone.terraform("state", "push", str(copy))
    assert same(before, clone.state())
    clone.plans_no_changes()


def test_a_state_of_another_lineage_is_not_overwritten(clone: Clone, tmp_path: Path) -> None:
    other = tmp_path / "other.tfstate"
    other.write_text(json.dumps({**clone.state(), "lineage": "7a3f0000-0000-0000-0000-000000000000", "serial": 99}))
    before = clone.state()
    clone.terraform("state", "push", str(other), allowed=(1,))
    assert clone.state() == before
