from __future__ import annotations

import io
import json
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from bench.faults import Faults, faulty_proxy
from config.environment import Environment, StateSettings
from emulator.server import Emulator
from operations.aws import Aws
from operations.console import new_console
from operations.demo.check import Check, CheckContext, expect
from operations.errors import OperatorError
from operations.plans.applying import Applying
from operations.plans.planning import Planning
from operations.stacks import Stack
from operations.state.bootstrap import bootstrap
from operations.state.status import current_state
from operations.trial.report import markdown
from operations.trial.trial import Trial
from tests.operations.terraform_support import PLAIN, PLAIN_SLOW, QUICK, REGION, make_repository, write_stack

PERSON = "jane.doe"


class Ground:
    """A repository with an environment in an account of its own, whose calls pass a proxy that may refuse them."""

    def __init__(self, root: Path, emulator: Emulator, account: str, faults: Faults) -> None:
        self.root = make_repository(root)
        self.account = account
        self.emulator = emulator
        self.faults = faults
        bucket, table = f"quintet-{account}-states", f"quintet-{account}-locks"
        state = StateSettings(bucket=bucket, region=REGION, lock_table=table)
        self.environment = Environment(name="test", account_id=account, state=state, protect_data=False)
        settings = f'name = "test"\naccount_id = "{account}"\nprotect_data = false\n[state]\nbucket = "{bucket}"\n'
        settings += f'region = "{REGION}"\nlock_table = "{table}"\n'
        (self.root / "config/environments/test.toml").write_text(settings)
        self.owner = Aws(emulator.environment(account_id=account, region=REGION))
        bootstrap(self.owner, self.environment)

    def denied(self, action: str) -> tuple[str, str]:
        """AWS's answer to a person who may not do this."""
        service = action.split(":")[0]
        message = (
            f"User: arn:aws:iam::{self.account}:user/{PERSON} is not authorized to perform: {action} on resource: "
        )
        message += f"arn:aws:{service}:{REGION}:{self.account}:example because no identity-based policy allows the "
        return "AccessDeniedException", f"{message}{action} action. Ask jane at https://intranet.castor.example.org"

    def refusing(self, *actions: str) -> AbstractContextManager[None]:
        return self.faults.refusing({action.split(":")[1]: self.denied(action) for action in actions})

    def keys(self, stack: Stack | None = None) -> Mapping[str, str]:
        """The operator's environment, as if the emulator were AWS."""
        del stack
        full = self.emulator.full_environment(account_id=self.account, region=REGION)
        return full | {"AWS_ENDPOINT_URL": self.faults.endpoint}

    def stack(self, resources: dict[str, Any] = QUICK, deployment: str = "example") -> Stack:
        return write_stack(self.root, resources, deployment=deployment, environment=self.environment)

    def trial(self, *names: str, **options: Any) -> tuple[bool, str, dict[str, Any]]:
        """Success, lines and report of a trial."""
        said = io.StringIO()
        options.setdefault("consent", lambda question: bool(said.write(question + "\n")) or True)
        asked = Trial(names, root=self.root, aws=self.keys, report_to=self.root / "report", **options)
        fine = asked.run(new_console(file=said, width=200)).fine
        return fine, said.getvalue(), json.loads((self.root / "report/trial.json").read_text())

    def managed(self, stack: Stack) -> int:
        return len(current_state(self.owner, stack).get("resources", []))


@pytest.fixture
def ground(tmp_path: Path, emulator: Emulator, account: str) -> Iterator[Ground]:
    with faulty_proxy(emulator.endpoint, random.Random(0)) as faults:
        yield Ground(tmp_path / "repository", emulator, account, faults)


def outcomes(trial: Mapping[str, Any]) -> dict[str, str]:
    return {step["step"]: step["outcome"] for step in trial["steps"]}


def topic_is_there(context: CheckContext) -> str:
    topics = context.client("sns").list_topics()["Topics"]
    expect(topics, "no subscription of boss@castor.example.org to alarms of arn:aws:sns:eu-central-1:111122223333:x")
    return f"{len(topics)}"


@pytest.mark.terraform
def test_a_trial_without_refusals_takes_every_step_and_leaves_nothing(ground: Ground) -> None:
    stack = ground.stack()
    fine, said, report = ground.trial("example", checks_of=lambda _: [Check("topic", topic_is_there)])
    assert fine, said
    (trial,) = report["stacks"]
    steps = ["preflight", "init", "plan", "apply", "second plan", "drift", "checks", "destroy", "census"]
    assert outcomes(trial) == dict.fromkeys(steps, "as on the emulator")
    assert (trial["resources"], trial["findings"], trial["remains"]) == (2, [], [])
    assert ground.managed(stack) == 0
    assert f"example-test: account {ground.account}, {REGION}: 2 resources are created" in said
    assert "destroyed; nothing remains" in said


@pytest.mark.terraform
@pytest.mark.usefixtures("without_provider")
def test_a_log_group_that_a_function_made_after_its_own_was_deleted_is_named(ground: Ground) -> None:
    ground.stack(PLAIN)
    logs = ground.owner.client("logs", region=REGION)
    logs.create_log_group(logGroupName="/aws/lambda/example-test-before")

    def late(context: CheckContext) -> str:
        for name in ("/aws/lambda/example-test-late", "/aws/lambda/example-test2-late"):
            context.client("logs").create_log_group(logGroupName=name)
        return "1"

    fine, said, report = ground.trial("example", checks_of=lambda _: [Check("late", late)])
    assert not fine
    (trial,) = report["stacks"]
    assert outcomes(trial)["census"] == "different"
    assert trial["remains"] == ["log group …"]  # its name is private
    assert "log group /aws/lambda/example-test-late exists and is in no state: delete it by hand" in said
    assert "example-test-before" not in said
    assert "example-test2" not in said


@pytest.mark.terraform
def test_three_injected_refusals_are_reported_and_what_stands_is_named_until_it_is_destroyed(ground: Ground) -> None:
    stack = ground.stack()
    with ground.refusing("ec2:DescribeRegions", "sns:CreateTopic", "ssm:DeleteParameter"):
        fine, said, report = ground.trial("example", checks_of=lambda _: [Check("topic", topic_is_there)])
    assert not fine
    (trial,) = report["stacks"]
    found = {(line["step"], line["address"], line["operation"], line["code"]) for line in trial["findings"]}
    denied = "AccessDeniedException"
    assert found == {
        ("preflight", "", "ec2: DescribeRegions", ""),
        ("apply", "aws_sns_topic.alarms", "SNS: CreateTopic", denied),
        ("destroy", "", "SSM: DeleteParameter", denied),  # of a destruction Terraform names no address
    }
    assert outcomes(trial)["second plan"] == outcomes(trial)["checks"] == "not reached"
    assert trial["remains"] == ["aws_ssm_parameter.greeting"]
    assert "example-test: 1 resources stand: aws_ssm_parameter.greeting" in said
    assert "quintet trial example-test --clean-up" in said
    texts = [(ground.root / f"report/trial.{ending}").read_text() for ending in ("md", "json")]
    for text in texts:
        for private in (
            ground.account,
            "arn:",
            "jane",
            "doe",
            "hello",
            "not for logs",
            ground.environment.state.bucket,
        ):
            assert private not in text
        assert not re.search(r"\d{12}|@|https?:/|\w+\.example\.", text)
    assert markdown(json.loads(texts[1])) == texts[0]

    fine, said, report = ground.trial("example", clean_up=True)
    assert fine, said
    assert ground.managed(stack) == 0
    assert list(outcomes(report["stacks"][0])) == ["init", "destroy", "census"]


@pytest.mark.terraform
@pytest.mark.usefixtures("without_provider")
def test_a_failed_check_is_a_difference_without_the_names_in_its_reason(ground: Ground) -> None:
    ground.stack(PLAIN)
    fine, _, report = ground.trial("example", checks_of=lambda _: [Check("topic", topic_is_there)])
    assert not fine
    (found,) = report["stacks"][0]["findings"]
    assert found["step"] == "checks"
    assert found["message"] == "topic: no subscription of … to alarms of …"
    assert report["stacks"][0]["remains"] == []


@pytest.mark.terraform
@pytest.mark.usefixtures("without_provider")
def test_a_stack_that_is_applied_already_is_never_tried_and_stays(ground: Ground) -> None:
    stack = ground.stack(PLAIN)
    planned = Planning(["example"], root=ground.root, aws=ground.keys).run(new_console(file=io.StringIO()))
    assert Applying(planned.folder.name, root=ground.root, aws=ground.keys).run(new_console(file=io.StringIO()))
    for options in ({}, {"clean_up": True}):
        with pytest.raises(OperatorError, match="example-test is applied: its state manages 2 resources"):
            ground.trial("example", **options)
    assert ground.managed(stack) == 2


@pytest.mark.terraform
@pytest.mark.usefixtures("without_provider")
def test_an_apply_of_somebody_else_after_the_plan_is_not_destroyed(ground: Ground) -> None:
    stack = ground.stack(PLAIN)

    def another_applies(question: str) -> bool:
        del question
        console = new_console(file=io.StringIO())
        planned = Planning(["example"], root=ground.root, aws=ground.keys).run(console)
        return Applying(planned.folder.name, root=ground.root, aws=ground.keys).run(console)

    fine, said, report = ground.trial("example", consent=another_applies)
    assert not fine
    assert "Saved plan is stale" in said
    assert outcomes(report["stacks"][0])["destroy"] == "not reached"
    assert ground.managed(stack) == 2
    with pytest.raises(OperatorError, match="is applied: its state manages 2 resources that no trial"):
        ground.trial("example", clean_up=True)


@pytest.mark.terraform
@pytest.mark.usefixtures("without_provider")
def test_without_consent_nothing_is_created(ground: Ground) -> None:
    stack = ground.stack(PLAIN)
    fine, said, report = ground.trial("example", consent=lambda _: False)
    assert not fine
    assert "Nothing was applied." in said
    assert outcomes(report["stacks"][0])["apply"] == "not reached"
    assert ground.managed(stack) == 0
    (log,) = (ground.root / ".runs").glob("*-trial-*/example-test.log")
    assert "$ terraform plan" in log.read_text()
    assert "$ terraform apply" not in log.read_text()


@pytest.mark.terraform
def test_an_apply_that_would_fail_is_not_even_planned(ground: Ground) -> None:
    ground.stack({"aws_cloudwatch_log_group": {"boot": {"name": "/example/boot"}}})
    ground.owner.client("logs", region=REGION).create_log_group(logGroupName="/example/boot")
    fine, said, report = ground.trial("example")
    assert not fine
    assert "nothing was planned. All the same: --despite-preflight" in said
    assert outcomes(report["stacks"][0])["preflight"] == "refused"
    fine, said, report = ground.trial("example", despite_preflight=True)
    (found,) = [line for line in report["stacks"][0]["findings"] if line["step"] == "apply"]
    assert found["code"] == "ResourceAlreadyExistsException"
    assert report["stacks"][0]["remains"] == []
    assert ground.owner.client("logs", region=REGION).describe_log_groups()["logGroups"]


def test_a_stack_that_takes_over_what_exists_is_refused(ground: Ground) -> None:
    stack = ground.stack()
    file = stack.folder / "cdk.tf.json"
    document = json.loads(file.read_text())
    file.write_text(json.dumps({**document, "import": [{"to": "aws_sns_topic.alarms", "id": "x"}]}))
    with pytest.raises(OperatorError, match=r"takes over what exists \(aws_sns_topic\.alarms\); a trial would destroy"):
        ground.trial("example")


@pytest.mark.terraform
@pytest.mark.usefixtures("without_provider")
def test_an_interrupted_trial_names_what_stands_and_the_commands_that_go_on_or_destroy(ground: Ground) -> None:
    stack = ground.stack(PLAIN_SLOW)
    program = (
        "import pytest; from tests.operations.plain_terraform import run_without_provider;"
        "run_without_provider(pytest.MonkeyPatch());"
        "import signal, sys; from pathlib import Path; from operations.console import new_console;"
        "from operations.trial.trial import Trial;"
        "signal.signal(signal.SIGINT, signal.default_int_handler);"
        "Trial(['example'], root=Path(sys.argv[1]), consent=lambda _: True).run(new_console())"
    )
    trial = subprocess.Popen(
        [sys.executable, "-c", program, str(ground.root)],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=dict(ground.keys()),
        start_new_session=True,
    )
    while not list((ground.root / ".runs").glob("*/example-test/started")) and trial.poll() is None:
        time.sleep(0.05)
    trial.send_signal(signal.SIGINT)
    said = trial.communicate()[0]
    assert trial.returncode != 0
    assert "resources stand: terraform_data.first" in said
    assert "Go on: quintet trial example-test    Destroy them: quintet trial example-test --clean-up" in said
    assert ground.managed(stack) >= 1
    fine, said, _ = ground.trial("example", clean_up=True)
    assert fine, said
    assert ground.managed(stack) == 0
