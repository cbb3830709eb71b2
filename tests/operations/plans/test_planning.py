"""Plans and applies of small stacks with the real Terraform, on the emulator."""

from __future__ import annotations

import io
import json
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from emulator.server import Emulator
from operations.aws import Aws
from operations.console import new_console
from operations.errors import OperatorError
from operations.plans.applying import Applying
from operations.plans.planning import Planned, Planning
from operations.plans.record import read_record
from operations.stacks import Stack
from operations.state.bootstrap import bootstrap
from tests.operations.terraform_support import (
    ACCOUNT,
    ENVIRONMENT,
    PLAIN,
    REGION,
    SETTINGS,
    make_repository,
    write_stack,
)

pytestmark = pytest.mark.terraform

TOPIC: dict[str, Any] = {"aws_sns_topic": {"alarms": {"name": "DEPLOYMENT-alarms", "display_name": "one"}}}
DATA: dict[str, Any] = {
    **TOPIC,
    "aws_ssm_parameter": {"key": {"name": "/DEPLOYMENT/key", "type": "SecureString", "value": "s3cret-value"}},
}
WRONG: dict[str, Any] = {"terraform_data": {"first": {"no_such_argument": "y"}}}
REFUSED: dict[str, Any] = {
    "terraform_data": {"first": {"provisioner": [{"local-exec": {"command": "echo not today >&2; exit 1"}}]}}
}


class Repository:
    """A repository with small stacks, planned and applied on an emulator of its own."""

    def __init__(self, root: Path, aws: Callable[[Stack], Mapping[str, str]]) -> None:
        self.root = make_repository(root)
        self._aws = aws

    def commit(self, resources: dict[str, Any], deployment: str) -> Stack:
        return write_stack(self.root, resources, deployment=deployment)

    def plan(self, *patterns: str, drift: bool = False, destroy: bool = False) -> Planned:
        planning = Planning(patterns, root=self.root, aws=self._aws, drift=drift, destroy=destroy)
        return planning.run(new_console(file=io.StringIO()))

    def apply(self, planned: Planned, **options: Any) -> tuple[bool, str]:
        said = io.StringIO()
        applying = Applying(planned.folder.name, root=self.root, aws=self._aws, **options)
        return applying.run(new_console(file=said, width=200)), said.getvalue()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator.start(log=tmp_path_factory.mktemp("emulator") / "log") as emulator:
        bootstrap(Aws(emulator.environment(account_id=ACCOUNT, region=REGION)), ENVIRONMENT)
        yield emulator


@pytest.fixture
def repository(running: Emulator, tmp_path: Path) -> Repository:
    return Repository(tmp_path, lambda _: running.full_environment(account_id=ACCOUNT, region=REGION))


def names(planned: Planned) -> dict[str, str]:
    return {
        stack.name: "failed" if stack.failure else "empty" if stack.empty else "changes"
        for stack in planned.report.stacks
    }


def test_what_was_planned_is_applied_and_then_nothing_is_left_to_do(repository: Repository, running: Emulator) -> None:
    stack = repository.commit(DATA, "life")
    committed = sorted(stack.folder.rglob("*"))
    planned = repository.plan()
    assert (planned.exit_code, names(planned)) == (2, {"life-test": "changes"})
    assert planned.folder.stat().st_mode & 0o077 == 0
    held = [path for path in planned.folder.rglob("*") if path.is_file() and b"s3cret-value" in path.read_bytes()]
    assert {path.name for path in held} == {"cdk.tf.json", "plan.json"}  # the plan itself is compressed
    assert [
        path.name
        for path in (planned.folder / "life-test" / name for name in ("plan", "plan.json"))
        if path.stat().st_mode & 0o077
    ] == []
    for form in ("report.md", "report.html"):
        text = (planned.folder / form).read_text()
        assert "aws_ssm_parameter.key" in text
        assert "s3cret-value" not in text

    fine, said = repository.apply(planned, dry_run=True)
    assert (fine, "life-test: would be applied" in said) == (True, True)
    shutil.rmtree(planned.folder / "life-test" / ".terraform")  # as when the run comes from another machine
    fine, said = repository.apply(planned)
    assert fine, said
    assert "life-test: applied" in said
    secret_files = [p for p in planned.folder.rglob("*") if p.is_file() and b"s3cret-value" in p.read_bytes()]
    assert secret_files == []
    assert repository.apply(planned) == (True, "life-test: was applied before\n")
    assert sorted(stack.folder.rglob("*")) == committed

    again = repository.plan()
    assert (again.exit_code, names(again)) == (0, {"life-test": "empty"})
    assert repository.plan(drift=True).exit_code == 0
    sns = Aws(running.environment(account_id=ACCOUNT, region=REGION)).client("sns", region=REGION)
    (arn,) = [t["TopicArn"] for t in sns.list_topics()["Topics"] if t["TopicArn"].endswith("life-alarms")]
    sns.set_topic_attributes(TopicArn=arn, AttributeName="DisplayName", AttributeValue="by hand")
    drifted = repository.plan(drift=True)
    assert drifted.exit_code == 2
    assert [line.address for line in drifted.report.stacks[0].drift] == ["aws_sns_topic.alarms"]
    with pytest.raises(OperatorError, match="looked for drift"):
        repository.apply(drifted)


@pytest.mark.usefixtures("without_provider")
def test_one_stacks_failure_does_not_hide_the_others_nor_keep_them_from_being_applied(repository: Repository) -> None:
    repository.commit(WRONG, "broken")
    repository.commit(PLAIN, "fine")
    planned = repository.plan()
    assert (planned.exit_code, names(planned)) == (1, {"broken-test": "failed", "fine-test": "changes"})
    assert "no_such_argument" in planned.report.stacks[0].failure
    fine, said = repository.apply(planned)
    assert not fine
    assert "broken-test: has no plan" in said
    assert "fine-test: applied" in said


@pytest.mark.usefixtures("without_provider")
def test_nothing_is_applied_when_anything_has_changed_since_the_review(repository: Repository) -> None:
    stack = repository.commit(PLAIN, "stale")
    other = repository.commit(PLAIN, "other")
    planned = repository.plan()
    (repository.root / "config" / "environments" / "test.toml").write_text(SETTINGS + "protect_data = false\n")
    document = json.loads((stack.folder / "cdk.tf.json").read_text())
    document["output"]["greeting"]["value"] = "changed"
    (stack.folder / "cdk.tf.json").write_text(json.dumps(document))
    with (planned.folder / other.name / "plan").open("ab") as file:
        file.write(b"x")
    (planned.folder / other.name / ".terraform.lock.hcl").write_text("# another provider")
    (repository.root / ".terraform-version").write_text("1.11.5\n")
    with pytest.raises(OperatorError) as refused:
        repository.apply(planned)
    for reason in (
        "stale-test: changed since it was planned: generated/stacks/stale-test/cdk.tf.json",
        "stale-test: changed since it was planned: config/environments/test.toml",
        "other-test: the plan file is not the one that was reviewed",
        "other-test: the provider is not the one it was planned with",
        "stale-test: was planned with Terraform 1.11.4, .terraform-version says 1.11.5",
    ):
        assert reason in str(refused.value)
    assert {stack.progress for stack in read_record(planned.folder).stacks} == {"planned"}


@pytest.mark.usefixtures("without_provider")
def test_a_state_that_moved_on_refuses_every_stack_of_the_run(repository: Repository) -> None:
    repository.commit(PLAIN, "ahead")
    repository.commit(PLAIN, "beside")
    reviewed, quicker = repository.plan(), repository.plan("ahead")
    assert repository.apply(quicker)[0]
    with pytest.raises(OperatorError, match=re.escape("ahead-test: the state has changed since it was planned")):
        repository.apply(reviewed)
    assert [stack.progress for stack in read_record(reviewed.folder).stacks] == ["planned", "planned"]


def test_protected_data_is_destroyed_only_with_consent_by_name_also_with_the_whole_stack(
    repository: Repository,
) -> None:
    stack = repository.commit(DATA, "doomed")
    assert repository.apply(repository.plan())[0]

    file = stack.folder / "cdk.tf.json"
    committed = file.read_text()
    document = json.loads(committed)
    document["provider"]["aws"][0]["region"] = "eu-west-1"
    file.write_text(json.dumps(document))
    elsewhere = repository.plan()
    assert elsewhere.exit_code == 1, "a plan on a state of another region is refused"
    assert "knows 2 resources in eu-central-1; the stack is for eu-west-1 now" in elsewhere.report.stacks[0].failure

    repository.commit(TOPIC, "doomed")
    without = repository.plan()
    assert [finding.policy for _, finding in without.report.against(["data-destroyed"])] == ["data-destroyed"]
    with pytest.raises(OperatorError, match=r"holds data and would be destroyed[^\n]*--destroy aws_ssm_parameter\.key"):
        repository.apply(without)
    with pytest.raises(OperatorError, match=r"--destroy aws_sns_topic\.alarms: nothing of that name"):
        repository.apply(without, destroy=["aws_ssm_parameter.key", "aws_sns_topic.alarms"])
    assert repository.apply(without, destroy=["aws_ssm_parameter.key"])[0]

    file.write_text(committed)
    assert repository.apply(repository.plan())[0]
    whole = repository.plan(destroy=True)
    assert read_record(whole.folder).purpose == "destroy"
    with pytest.raises(OperatorError, match=r"would be destroyed[^\n]*--destroy aws_ssm_parameter\.key"):
        repository.apply(whole)
    assert repository.apply(whole, destroy=["aws_ssm_parameter.key"])[0]
    assert names(repository.plan()) == {"doomed-test": "changes"}, "nothing is left of it"


@pytest.mark.usefixtures("without_provider")
def test_after_a_failure_the_rest_waits_and_the_run_can_go_on(repository: Repository) -> None:
    repository.commit(REFUSED, "a-bad")
    repository.commit(PLAIN, "b-good")
    planned = repository.plan()
    fine, said = repository.apply(planned)
    assert not fine
    assert "not today" in said
    assert f"b-good-test: not begun; go on with: quintet apply {planned.folder.name}" in said
    fine, said = repository.apply(planned)
    assert not fine
    assert "a-bad-test: failed before. Plan it again: quintet plan a-bad-test" in said
    assert "b-good-test: applied" in said
