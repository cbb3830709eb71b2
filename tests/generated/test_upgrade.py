"""An account where an earlier commit is applied takes this one: nothing that holds data and no security group is replaced.

Each stack below is applied in full, with the real Terraform and provider: the newest earlier version from git's history
that differs in what the case names, on an emulator that refuses as little as it did then, and after that the present
one with everything on. Of the other stacks only the addresses of what holds data are compared (`tests/addresses`,
`operations/review/addresses.py`): their applies take as long again and begin from the same modules.
"""

from __future__ import annotations

import io
import json
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from config.environment import load_environment
from config.limits import FACTS
from config.settings import ROOT
from emulator.server import Emulator
from operations.aws import Aws
from operations.demo.prerequisites import make_existing
from operations.demo.walk import differences
from operations.plans.standing_provider import StandingProviders
from operations.resource_types import holds_data
from operations.stacks import FILE, Stack, find_stacks, only
from operations.state.bootstrap import bootstrap
from operations.state.move import move, plan_move
from operations.terraform.run import Run
from operations.terraform.terraform import Terraform

Document = dict[str, Any]


def everything(document: Document) -> object:
    return document


def state_key(document: Document) -> object:
    return document["terraform"]["backend"]["s3"]["key"]


def database_release(document: Document) -> object:
    return [each["engine_version"] for each in document["resource"]["aws_db_instance"].values()]


CASES = (
    pytest.param("aquamark-dev", everything, marks=pytest.mark.terraform(minutes=4)),
    pytest.param("suai-cloud-app-dev", state_key, marks=pytest.mark.terraform(minutes=4)),
    pytest.param("sync-storage-dev", database_release, marks=pytest.mark.terraform(minutes=4)),
)


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True).stdout


def newest_with_another(part: Callable[[Document], object], name: str) -> str:
    """The newest commit whose version of the stack differs from the present one in `part`.

    A history that is cut off fails the test: it would compare with nothing.
    """
    assert git("rev-parse", "--is-shallow-repository").strip() == b"false", "a shallow clone: git fetch --unshallow"
    file = f"generated/stacks/{name}/{FILE}"
    now = part(json.loads((ROOT / file).read_text()))
    for commit in git("log", "--format=%H", "--", file).decode().split():
        if part(json.loads(git("show", f"{commit}:{file}"))) != now:
            return commit
    raise AssertionError(f"no version of {name} in the history differs in {part.__name__}")


def checked_out(commit: str, name: str, folder: Path) -> Stack:
    """The stack as that commit has it, in a folder of its own."""
    packed = git("archive", "--format=tar", commit, f"generated/stacks/{name}")
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return only(find_stacks(folder), name)


class Account:
    """An account on an emulator of its own, which refuses nothing that an earlier commit was allowed."""

    def __init__(self, emulator: Emulator, stack: Stack) -> None:
        self.emulator = emulator
        settings = load_environment(stack.environment)
        place = {"account_id": stack.account_id, "region": stack.region}
        self.aws = Aws(emulator.environment(**place))
        self._environment = emulator.full_environment(**place)
        bootstrap(Aws(emulator.environment(**{**place, "region": settings.state.region})), settings)
        make_existing(self.aws, [stack])

    @contextmanager
    def terraform(self, purpose: str, stack: Stack) -> Iterator[Terraform]:
        """Terraform with the stack; its commands in the block share one process of the provider."""
        with Run(purpose, root=ROOT) as run, StandingProviders(run) as providers:
            terraform = run.terraform(stack, environment=self._environment)
            with providers.attached(terraform, stack):
                yield terraform


@pytest.mark.parametrize(("name", "part"), CASES)
def test_what_an_earlier_commit_applied_is_upgraded_without_losing_data_and_a_second_plan_is_empty(
    name: str, part: Callable[[Document], object], tmp_path: Path
) -> None:
    former = checked_out(newest_with_another(part, name), name, tmp_path)
    present = only(find_stacks(ROOT), name)
    lax = {"request_models": False, "rules": False, "target_health": False}
    with Emulator.start(log=tmp_path / "emulator.log", facts=FACTS, **lax) as emulator:
        account = Account(emulator, former)
        with account.terraform("upgrade-from", former) as terraform:
            terraform.apply(terraform.plan())

        emulator.turn_on()
        make_existing(account.aws, [present])
        if former.state.key != present.state.key:
            planned = plan_move(account.aws, present)
            assert planned is not None, "the former key holds no state"
            move(account.aws, planned)
        with account.terraform("upgrade-to", present) as terraform:
            plan = terraform.plan()
            assert plan.changes
            gone = [
                change["address"]
                for change in terraform.show_json(plan)["resource_changes"]
                if "delete" in change["change"]["actions"]
            ]
            assert [address for address in gone if address.startswith("aws_security_group.")] == []
            assert [address for address in gone if holds_data(address.partition(".")[0])] == []
            terraform.apply(plan)
            second = terraform.plan("second-plan")
            assert differences(terraform.show_json(second)) == []
