from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from operations.aws import Aws
from operations.commands.state import app
from operations.errors import OperatorError
from operations.stacks import FILE
from operations.state.bootstrap import bootstrap
from operations.state.held_lock import state_locked
from operations.state.status import locks_of, status, unlock
from operations.state.versions import plan_restoration, restore, state_versions
from operations.terraform.terraform import Terraform, TerraformError
from tests.operations.plain_terraform import Clone
from tests.operations.terraform_support import ACCOUNT, ENVIRONMENT, REGION, STATE, write_stack

if TYPE_CHECKING:
    from emulator.server import Emulator
    from operations.stacks import Stack

SECRET = {"url": {"value": "http://new"}, "password": {"value": "hunter2", "sensitive": True}}


@pytest.fixture
def aws(emulator: Emulator) -> Aws:
    return Aws(emulator.environment(account_id=ACCOUNT, region=REGION))


@pytest.fixture
def run(
    tmp_path: Path, aws: Aws, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[int, str]]:
    """Runs `quintet state …` against the emulator."""
    monkeypatch.setattr("config.settings.ROOT", tmp_path)
    monkeypatch.setattr("config.environment.environment_names", lambda: ["test"])
    monkeypatch.setattr("operations.aws.Aws", lambda: aws)
    monkeypatch.setenv("COLUMNS", "200")

    def invoke(*arguments: str, typed: str = "") -> tuple[int, str]:
        result = CliRunner().invoke(app, arguments, input=typed)
        if isinstance(result.exception, OperatorError):
            raise result.exception
        return result.exit_code, result.output

    return invoke


@pytest.fixture
def stack(request: pytest.FixtureRequest, tmp_path: Path, aws: Aws) -> Stack:
    bootstrap(aws, ENVIRONMENT)
    return write_stack(
        tmp_path,
        {"terraform_data": {"a": {"input": "one"}}},
        deployment=re.sub("[^a-z]+", "-", request.node.name.removeprefix("test_"))[-40:].strip("-"),
    )


@pytest.fixture
def applied_twice(stack: Stack, tmp_path: Path, emulator: Emulator) -> Clone:
    """First with the resource a, then with b beside it."""
    clone = Clone(stack, tmp_path / "clone", emulator)
    clone.change({"a": {"input": "one"}}, {"url": {"value": "http://old"}})
    clone.terraform("init")
    clone.terraform("apply", "-auto-approve")
    clone.change({"a": {"input": "two"}, "b": {"input": "new"}}, SECRET)
    clone.terraform("apply", "-auto-approve")
    return clone


@pytest.mark.terraform
def test_an_older_version_becomes_the_current_state_and_terraform_goes_on_with_it(
    stack: Stack, applied_twice: Clone, run: Callable[..., tuple[int, str]], aws: Aws
) -> None:
    before = applied_twice.state()
    newest, oldest = state_versions(aws, stack, limit=2)
    assert (newest.latest, newest.resources, oldest.resources) == (True, 2, 1)
    assert newest.serial == before["serial"]

    said = run("versions", stack.name)[1].splitlines()
    assert any(line.startswith(newest.id) and line.rstrip().endswith("current") for line in said)
    assert any(line.startswith(oldest.id) for line in said)
    versions = json.loads(run("versions", stack.name, "--json")[1])["versions"]
    assert [(v["version"], v["serial"], v["current"]) for v in versions[:2]] == [
        (newest.id, newest.serial, True),
        (oldest.id, oldest.serial, False),
    ]

    said = run("restore", stack.name, oldest.id, "--dry-run")[1]
    assert "- terraform_data.b: Terraform would no longer know it" in said
    assert "~ terraform_data.a: input, output" in said
    assert '~ output url: "http://new" → "http://old"' in said
    assert "~ output password: (sensitive) → none" in said
    assert "hunter2" not in said
    assert applied_twice.state() == before

    assert run("restore", stack.name, oldest.id, typed="n\n")[0] == 1
    assert applied_twice.state() == before

    code, said = run("restore", stack.name, oldest.id[:8], "--yes")
    assert code == 0
    after = applied_twice.state()
    assert (after["lineage"], after["serial"]) == (before["lineage"], before["serial"] + 1)
    assert applied_twice.terraform("state", "list").split() == ["terraform_data.a"]
    (row,) = status(aws, ENVIRONMENT, [stack]).stacks
    assert row.state is not None
    assert row.state.problem == ""
    assert row.locks == ()

    backup = re.search(r"kept as s3://[^/]+/(\S+)\.$", said, re.MULTILINE)
    assert backup is not None
    s3 = aws.client("s3", region=REGION)
    kept = s3.get_object(Bucket=STATE.bucket, Key=backup[1])["Body"].read()
    assert b"terraform_data" in kept
    assert f'"serial": {before["serial"]}'.encode() in kept

    applied_twice.terraform("apply", "-auto-approve")
    applied_twice.plans_no_changes()


@pytest.mark.terraform
def test_a_plan_from_before_is_refused_afterwards(stack: Stack, applied_twice: Clone, aws: Aws) -> None:
    applied_twice.change({"a": {"input": "three"}})
    applied_twice.terraform("plan", "-out=plan")
    versions = state_versions(aws, stack, limit=9)
    restore(aws, plan_restoration(stack, versions, versions[-1].id))
    before = applied_twice.state()
    applied_twice.terraform("apply", "plan", allowed=(1,))
    assert applied_twice.state() == before


@pytest.mark.terraform
@pytest.mark.parametrize("harm", ["deleted", "spoilt", "other digest"])
def test_a_state_that_terraform_refuses_is_brought_back(
    stack: Stack, applied_twice: Clone, aws: Aws, harm: str
) -> None:
    before = applied_twice.state()
    s3 = aws.client("s3", region=REGION)
    place = {"Bucket": STATE.bucket, "Key": stack.state.key}
    if harm == "deleted":
        s3.delete_object(**place)
    elif harm == "spoilt":
        s3.put_object(**place, Body=b"{")
    else:
        item = {"LockID": {"S": f"{stack.state.lock_id}-md5"}, "Digest": {"S": "0" * 32}}
        aws.client("dynamodb", region=REGION).put_item(TableName=STATE.lock_table, Item=item)
    applied_twice.terraform("plan", allowed=(1,))
    versions = state_versions(aws, stack, limit=9)
    wanted = next(version for version in versions if version.serial == before["serial"])
    restore(aws, plan_restoration(stack, versions, wanted.id))
    after = applied_twice.state()
    assert (after["resources"], after["lineage"]) == (before["resources"], before["lineage"])
    assert after["serial"] > before["serial"]
    applied_twice.plans_no_changes()


@pytest.mark.terraform
@pytest.mark.parametrize("locking", ["dynamodb", "both", "lockfile"])
def test_terraform_waits_for_whoever_restores_and_can_break_the_lock(
    tmp_path: Path, emulator: Emulator, aws: Aws, locking: str
) -> None:
    bootstrap(aws, ENVIRONMENT)
    environment = ENVIRONMENT.model_copy(update={"state": STATE.model_copy(update={"locking": locking})})
    stack = write_stack(
        tmp_path, {"terraform_data": {"a": {}}}, deployment=f"restored-{locking}", environment=environment
    )
    clone = Clone(stack, tmp_path / "clone", emulator)
    clone.terraform("init")
    with state_locked(aws, stack, "restore") as lock:
        assert locks_of(aws, stack) == (lock,)
        assert lock.operation == "restore"
        clone.terraform("plan", "-lock-timeout=0s", allowed=(1,))
        with (
            pytest.raises(OperatorError, match=rf"is locked: {lock.who}, restore, for .*\n.*unlock {stack.name}"),
            state_locked(aws, stack, "restore"),
        ):
            pass
        clone.terraform("force-unlock", "-force", lock.id, allowed=(0, 1))  # of two, it removes both and complains
        assert locks_of(aws, stack) == ()
        clone.terraform("plan")
    with state_locked(aws, stack, "restore"):
        pass
    assert locks_of(aws, stack) == ()


def put(aws: Aws, stack: Stack, content: str) -> None:
    aws.client("s3", region=REGION).put_object(Bucket=STATE.bucket, Key=stack.state.key, Body=content.encode())


def test_nothing_is_restored_when_the_state_has_changed_meanwhile(stack: Stack, aws: Aws) -> None:
    for serial in (1, 2):
        put(aws, stack, f'{{"serial": {serial}, "lineage": "x"}}')
    versions = state_versions(aws, stack, limit=9)
    planned = plan_restoration(stack, versions, versions[1].id)
    put(aws, stack, '{"serial": 3, "lineage": "x"}')
    with pytest.raises(OperatorError, match="has changed meanwhile; nothing was restored"):
        restore(aws, planned)
    assert state_versions(aws, stack, limit=1)[0].serial == 3
    assert locks_of(aws, stack) == ()


def test_nothing_is_restored_while_somebody_holds_the_lock(stack: Stack, aws: Aws) -> None:
    put(aws, stack, '{"serial": 1, "lineage": "x"}')
    versions = state_versions(aws, stack, limit=9)
    with state_locked(aws, stack, "apply"), pytest.raises(OperatorError, match=r"is locked: .*, apply, for"):
        restore(aws, plan_restoration(stack, versions, versions[0].id))
    assert len(state_versions(aws, stack, limit=9)) == 1


def test_a_version_that_is_no_state_is_listed_and_refused(
    stack: Stack, aws: Aws, run: Callable[..., tuple[int, str]]
) -> None:
    put(aws, stack, "not json")
    (version,) = state_versions(aws, stack, limit=9)
    assert "not a state" in run("versions", stack.name)[1]
    with pytest.raises(OperatorError, match="is not a state of Terraform"):
        run("restore", stack.name, version.id)


def test_an_unknown_version_is_refused(stack: Stack, aws: Aws, run: Callable[..., tuple[int, str]]) -> None:
    put(aws, stack, '{"serial": 1, "lineage": "x"}')
    with pytest.raises(OperatorError, match=rf"There is no version zzzz.*\n.*quintet state versions {stack.name}"):
        run("restore", stack.name, "zzzz")


@pytest.mark.parametrize("command", ["versions", "restore", "unlock"])
def test_a_missing_bucket_or_table_is_named_with_the_command_that_makes_it(
    tmp_path: Path, run: Callable[..., tuple[int, str]], command: str
) -> None:
    state = STATE.model_copy(update={"bucket": "quintet-nowhere", "lock_table": "quintet-nowhere-locks"})
    stack = write_stack(
        tmp_path, {}, deployment="placeless", environment=ENVIRONMENT.model_copy(update={"state": state})
    )
    explanation = r"no bucket quintet-nowhere and no lock table quintet-nowhere-locks in eu-central-1\.\nMake it with: quintet state bootstrap test"
    with pytest.raises(OperatorError, match=explanation):
        run(command, stack.name, *(["zzzz"] if command == "restore" else []))


def terraform_in(clone: Clone, tmp_path: Path) -> Terraform:
    binary = Path(str(shutil.which("terraform")))
    places = {"log": tmp_path / "log", "init_lock": tmp_path / "init.lock"}
    return Terraform(clone.folder, stack="example-test", binary=binary, environment=clone.environment, **places)


@pytest.mark.terraform
def test_terraform_without_its_bucket_or_table_says_how_to_make_them(
    stack: Stack, tmp_path: Path, aws: Aws, emulator: Emulator
) -> None:
    state = STATE.model_copy(update={"bucket": "quintet-nowhere"})
    data = {"terraform_data": {"a": {}}}
    elsewhere = write_stack(tmp_path / "2", data, environment=ENVIRONMENT.model_copy(update={"state": state}))
    with pytest.raises(TerraformError, match=r"missing\. Make them with: quintet state bootstrap"):
        terraform_in(Clone(elsewhere, tmp_path / "one", emulator), tmp_path).init()

    text = (stack.folder / FILE).read_text().replace(STATE.lock_table, "quintet-nowhere")
    (stack.folder / FILE).write_text(text)
    terraform = terraform_in(Clone(stack, tmp_path / "other", emulator), tmp_path)
    terraform.init()
    with pytest.raises(TerraformError, match=r"missing\. Make them with: quintet state bootstrap"):
        terraform.plan()


@pytest.mark.terraform
def test_terraform_with_a_digest_that_does_not_fit_says_how_to_mend_it(
    stack: Stack, applied_twice: Clone, tmp_path: Path, aws: Aws
) -> None:
    item = {"LockID": {"S": f"{stack.state.lock_id}-md5"}, "Digest": {"S": "0" * 32}}
    aws.client("dynamodb", region=REGION).put_item(TableName=STATE.lock_table, Item=item)
    with pytest.raises(TerraformError, match="quintet state restore example-test VERSION"):
        terraform_in(applied_twice, tmp_path).plan()


@pytest.mark.terraform
@pytest.mark.parametrize("locking", ["dynamodb", "both"])
def test_the_lock_of_a_writer_ended_before_the_digest_is_broken_and_its_state_mended(
    tmp_path: Path, emulator: Emulator, aws: Aws, locking: str
) -> None:
    bootstrap(aws, ENVIRONMENT)
    environment = ENVIRONMENT.model_copy(update={"state": STATE.model_copy(update={"locking": locking})})
    data = {"terraform_data": {"a": {}}}
    stack = write_stack(tmp_path, data, deployment=f"halfway-{locking}", environment=environment)
    clone = Clone(stack, tmp_path / "clone", emulator)
    clone.terraform("init")
    clone.terraform("apply", "-auto-approve")
    item = {"LockID": {"S": f"{stack.state.lock_id}-md5"}, "Digest": {"S": "0" * 32}}
    aws.client("dynamodb", region=REGION).put_item(TableName=STATE.lock_table, Item=item)
    with state_locked(aws, stack, "apply"):  # and never leaves it
        unlock(aws, stack, locks_of(aws, stack))
        assert locks_of(aws, stack) == ()
        versions = state_versions(aws, stack, limit=9)
        restore(aws, plan_restoration(stack, versions, versions[0].id))
        clone.plans_no_changes()
