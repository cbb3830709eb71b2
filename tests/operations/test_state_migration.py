"""The walk-throughs of docs/terraform-cloud.md, with a local state in the place of HCP Terraform."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from operations.aws import Aws
from operations.bootstrap import bootstrap
from operations.processes import Children
from operations.terraform import run_environment
from tests.operations.terraform_support import ACCOUNT, ENVIRONMENT, REGION, write_plain_stack

if TYPE_CHECKING:
    from pathlib import Path

    from operations.emulator.server import Emulator

pytestmark = pytest.mark.terraform
DATA = {"a": {"input": "precious"}, "b": {"input": "more"}}


class Clone:
    """A stack's folder in somebody's clone, with the S3 backend or, `elsewhere`, with what replaces it."""

    def __init__(self, folder: Path, emulator: Emulator) -> None:
        self.folder = folder
        self._environment = run_environment(os.environ, emulator.full_environment(account_id=ACCOUNT, region=REGION))

    def elsewhere(self) -> None:
        override = {"terraform": {"backend": {"local": {}}}}
        (self.folder / "zzz_backend_override.tf.json").write_text(json.dumps(override))

    def in_s3(self) -> None:
        (self.folder / "zzz_backend_override.tf.json").unlink()

    def terraform(self, *command: str, allowed: tuple[int, ...] = (0,)) -> str:
        with Children() as children:
            code, output, errors = children.capture(
                ["terraform", *command], cwd=self.folder, environment=self._environment
            )
        assert code in allowed, output + errors
        return output

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.terraform("state", "pull") or "{}")
        return found

    def plans_no_changes(self) -> None:
        self.terraform("plan", "-detailed-exitcode")


@pytest.fixture
def clone(request: pytest.FixtureRequest, tmp_path: Path, emulator: Emulator) -> Clone:
    bootstrap(Aws(emulator.environment(account_id=ACCOUNT, region=REGION)), ENVIRONMENT)
    stack = write_plain_stack(tmp_path, DATA, deployment=request.node.name.replace("_", "-")[:40])
    clone = Clone(stack.folder, emulator)
    clone.terraform("init")
    clone.terraform("apply", "-auto-approve")
    return clone


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return (one["lineage"], one["resources"]) == (other["lineage"], other["resources"])


def test_a_state_goes_from_s3_and_back_by_init(clone: Clone) -> None:
    before = clone.state()
    clone.elsewhere()
    clone.terraform("init", "-migrate-state", "-force-copy")
    assert same(before, json.loads((clone.folder / "terraform.tfstate").read_text()))
    clone.plans_no_changes()
    clone.in_s3()
    clone.terraform("init", "-migrate-state", "-force-copy")
    assert same(before, clone.state())
    clone.plans_no_changes()


def test_a_state_is_pulled_here_and_pushed_there(clone: Clone, tmp_path: Path) -> None:
    before = clone.state()
    copy = tmp_path / "copy.tfstate"
    copy.write_text(json.dumps(before))
    clone.elsewhere()
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
