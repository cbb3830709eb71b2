from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.server import Emulator
from operations.aws import Aws
from operations.stacks import Stack
from operations.state.bootstrap import bootstrap
from operations.state.status import locks_of, status, unlock
from operations.terraform.processes import Children, RunInterruptedError
from operations.terraform.run import Run
from operations.terraform.terraform import Event, StateLockedError, Terraform, TerraformError
from tests.operations.plain_terraform import take_out_provider
from tests.operations.terraform_support import (
    ACCOUNT,
    ENVIRONMENT,
    PLAIN,
    PLAIN_SLOW,
    QUICK,
    REFUSED,
    REGION,
    SLOW,
    STATE,
    make_root,
    write_stack,
)

pytestmark = pytest.mark.terraform


@pytest.fixture(scope="module")
def aws(emulator: Emulator) -> Aws:
    found = Aws(emulator.environment(account_id=ACCOUNT, region=REGION))
    bootstrap(found, ENVIRONMENT)
    return found


@pytest.fixture
def start(emulator: Emulator, aws: Aws, tmp_path: Path) -> Iterator[Callable[..., Terraform]]:
    """Starts Terraform, connected to its state, in a working copy of a stack."""
    runs: list[Run] = []

    def begin(stack: Stack, *, provider: bool = True, **options: Any) -> Terraform:
        run = Run(f"test-{len(runs)}", root=tmp_path / "repository")
        runs.append(run)
        environment = emulator.full_environment(account_id=ACCOUNT, region=REGION)
        terraform = run.terraform(stack, environment=environment, lock_timeout_seconds=0, **options)
        if not provider:
            take_out_provider(terraform.directory)
        terraform.init()
        return terraform

    yield begin
    for run in runs:
        run.__exit__()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_root(tmp_path / "repository")


def apply_slowly(terraform: Terraform) -> threading.Thread:
    """Apply in another thread; returns when the apply is under way and holds the lock."""
    outcome: list[BaseException] = []

    def work() -> None:
        try:
            terraform.apply(terraform.plan())
        except (TerraformError, RunInterruptedError) as error:
            outcome.append(error)

    thread = threading.Thread(target=work)
    thread.outcome = outcome  # type: ignore[attr-defined]
    thread.start()
    wait_for(lambda: (terraform.directory / "started").exists() or not thread.is_alive())
    return thread


def wait_for(condition: Callable[[], bool]) -> None:
    while not condition():
        time.sleep(0.05)


def processes_in(directory: Path) -> list[str]:
    """The command lines of all processes that work in the directory."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == directory:
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def wait_until_gone(directory: Path) -> None:
    """All processes that work in the directory have ended; fails when one goes on.

    The kernel ends a killed process when it would be its turn, which may be after whoever killed it went on.
    """
    give_up = time.monotonic() + 60
    while left := processes_in(directory):
        assert time.monotonic() < give_up, left
        time.sleep(0.05)


def has_provider(terraform: Terraform) -> bool:
    """True while a process of the AWS provider works in Terraform's directory."""
    return any("terraform-provider-aws" in line for line in processes_in(terraform.directory))


def test_a_stack_is_applied_and_the_second_plan_is_empty(start: Callable[..., Terraform], root: Path, aws: Aws) -> None:
    stack = write_stack(root, QUICK, deployment="quick")
    committed = sorted(path.name for path in stack.folder.rglob("*"))
    events: list[Event] = []
    terraform = start(stack, on_event=events.append)

    plan = terraform.plan()
    assert plan.changes
    assert sorted(plan.planned) == [("aws_sns_topic.alarms", "create"), ("aws_ssm_parameter.greeting", "create")]
    assert plan.path.stat().st_mode & 0o077 == 0
    assert {change["address"] for change in terraform.show_json(plan)["resource_changes"]} == dict(plan.planned).keys()
    terraform.apply(plan)
    assert not plan.path.exists()
    steps = [(event.kind, event.address) for event in events]
    for address in dict(plan.planned):
        assert steps.index(("planned", address)) < steps.index(("started", address)) < steps.index(("done", address))

    assert not terraform.plan("second").changes
    assert terraform.state_list() == ["aws_sns_topic.alarms", "aws_ssm_parameter.greeting"]
    outputs = terraform.state_pull()["outputs"]
    assert {name: output["value"] for name, output in outputs.items()} == {
        "greeting": "hello",
        "password": "not for logs",
    }
    (found,) = (row for row in status(aws, ENVIRONMENT, [stack]).stacks if row.stack == stack)
    assert found.state is not None
    assert (found.state.serial, found.state.resources, found.state.problem) == (terraform.state_pull()["serial"], 2, "")

    terraform.destroy()
    shutil.rmtree(terraform.directory / ".terraform" / "providers")  # what reads the state needs none, and hashes none
    assert terraform.state_list() == []
    assert terraform.state_pull()["resources"] == []
    assert sorted(path.name for path in stack.folder.rglob("*")) == committed
    log = terraform.log.read_text()
    assert "$ terraform apply" in log
    assert "aws_sns_topic.alarms: Creation complete" in log
    assert "not for logs" not in log


def test_a_refused_resource_is_named_with_the_providers_message_and_the_log(
    start: Callable[..., Terraform], root: Path
) -> None:
    stack = write_stack(root, REFUSED, deployment="refused")
    events: list[Event] = []
    terraform = start(stack, on_event=events.append)
    with pytest.raises(TerraformError) as caught:
        terraform.apply(terraform.plan())
    (problem,) = caught.value.problems
    assert problem.address == "aws_ssm_parameter.reserved"
    assert "No access to reserved parameter name" in problem.message
    for part in (stack.name, problem.address, problem.message, str(terraform.log)):
        assert part in str(caught.value)
    assert "No access to reserved parameter name" in terraform.log.read_text()
    assert ("errored", problem.address) in [(event.kind, event.address) for event in events]
    assert terraform.state_list() == ["aws_sns_topic.alarms"]


def test_a_failed_plan_leaves_no_plan_file(start: Callable[..., Terraform], root: Path) -> None:
    wrong = {"terraform_data": {"first": {"no_such_argument": "x"}}}
    terraform = start(write_stack(root, wrong, deployment="wrong"), provider=False)
    with pytest.raises(TerraformError, match="no_such_argument"):
        terraform.plan()
    assert not (terraform.directory / "plan").exists()


def test_of_two_applies_at_once_one_proceeds_and_the_other_names_the_holder(
    start: Callable[..., Terraform], root: Path
) -> None:
    stack = write_stack(root, PLAIN_SLOW, deployment="contested")
    first, second = start(stack, provider=False), start(stack, provider=False)
    plan = second.plan()
    thread = apply_slowly(first)
    with pytest.raises(StateLockedError) as caught:
        second.apply(plan)
    (first.directory / "go").touch()
    thread.join()
    assert thread.outcome == []  # type: ignore[attr-defined]
    assert caught.value.lock.operation == "apply"
    assert "@" in caught.value.lock.who
    assert caught.value.lock.who in str(caught.value)
    assert f"quintet state unlock {stack.name}" in str(caught.value)
    assert first.state_list() == ["terraform_data.first", "terraform_data.slow"]


@pytest.mark.parametrize(("locking", "provider"), [("dynamodb", True), ("both", False), ("lockfile", False)])
def test_the_lock_of_a_killed_apply_is_shown_and_broken_and_the_next_apply_converges(
    start: Callable[..., Terraform], root: Path, aws: Aws, locking: str, provider: bool
) -> None:
    slow = {**PLAIN_SLOW, "aws_sns_topic": {"late": {"name": "late", "depends_on": ["terraform_data.slow"]}}}
    state = STATE.model_copy(update={"locking": locking})
    environment = ENVIRONMENT.model_copy(update={"state": state})
    stack = write_stack(root, slow if provider else PLAIN_SLOW, deployment=f"killed-{locking}", environment=environment)
    children = Children()
    terraform = start(stack, provider=provider)
    terraform._children = children
    thread = apply_slowly(terraform)
    if provider:  # it may start after what does not need it
        wait_for(lambda: has_provider(terraform) or not thread.is_alive())
    assert has_provider(terraform) == provider
    children.kill()
    thread.join()
    wait_until_gone(terraform.directory)

    (found,) = (row for row in status(aws, environment, [stack]).stacks if row.stack == stack)
    (lock,) = found.locks
    assert (lock.operation, lock.created is not None) == ("apply", True)
    write_stack(root, PLAIN, deployment=f"killed-{locking}", environment=environment)
    next_one = start(stack, provider=False)
    with pytest.raises(StateLockedError) as caught:
        next_one.plan()
    assert caught.value.lock.id == lock.id

    unlock(aws, stack, [lock])
    assert locks_of(aws, stack) == ()
    next_one.apply(next_one.plan())
    assert not next_one.plan("second").changes


def test_a_lock_that_remains_in_one_of_two_places_is_broken(
    start: Callable[..., Terraform], root: Path, aws: Aws
) -> None:
    state = STATE.model_copy(update={"locking": "both"})
    stack = write_stack(root, QUICK, deployment="half", environment=ENVIRONMENT.model_copy(update={"state": state}))
    info = '{"ID":"6f1c9a52-0000-0000-0000-000000000000","Operation":"OperationTypeApply","Who":"ann@laptop"}'
    item = {"LockID": {"S": stack.state.lock_id}, "Info": {"S": info}}
    aws.client("dynamodb", region=REGION).put_item(TableName=STATE.lock_table, Item=item)
    assert [lock.who for lock in locks_of(aws, stack)] == ["ann@laptop"]
    unlock(aws, stack, locks_of(aws, stack))
    assert locks_of(aws, stack) == ()


def test_an_interrupted_apply_saves_its_state_and_releases_its_lock(
    start: Callable[..., Terraform], root: Path, aws: Aws
) -> None:
    stack = write_stack(root, SLOW, deployment="interrupted")
    terraform = start(stack)
    terraform._children = children = Children()
    thread = apply_slowly(terraform)
    children.interrupt()
    thread.join()
    assert [type(error) for error in thread.outcome] == [RunInterruptedError]  # type: ignore[attr-defined]
    assert locks_of(aws, stack) == ()
    wait_until_gone(terraform.directory)
    assert not (terraform.directory / "plan").exists()
    terraform._children = Children()
    assert "aws_sns_topic.alarms" in terraform.state_list()
