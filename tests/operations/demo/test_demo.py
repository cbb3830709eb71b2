from __future__ import annotations

import io
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from config.outputs import DeploymentOutputs
from emulator.announcement import end, find
from emulator.server import aws_environment
from operations.applied import Applied
from operations.commands.day2 import checks_of
from operations.console import new_console
from operations.demo.check import Check, CheckContext, CheckFailedError
from operations.demo.demo import Demo
from operations.demo.prerequisites import hosted_zones
from operations.demo.run_checks import run_checks
from operations.demo.unprotect import without_protections
from operations.demo.walk import Deviation, differences
from operations.errors import OperatorError
from operations.stacks import images_of
from tests.operations.terraform_support import QUICK, REFUSED, SLOW, make_repository, write_stack


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "repository")


def demonstrate(root: Path, **options: Any) -> tuple[bool, str]:
    said = io.StringIO()
    fine = Demo(environment="test", root=root, **options).run(new_console(file=said, width=200))
    return fine, said.getvalue()


class GreetingOutputs(DeploymentOutputs):
    greeting: str


def no_checks(deployment: str) -> Sequence[Check]:
    del deployment
    return ()


def topic_exists(context: CheckContext) -> str:
    arns = [topic["TopicArn"] for topic in context.client("sns").list_topics()["Topics"]]
    if not any(arn.endswith(f":{context.stack.deployment}-alarms") for arn in arns):
        raise CheckFailedError(f"no topic among {arns}")
    return context.read(GreetingOutputs).greeting


def disappoint(context: CheckContext) -> str:
    raise CheckFailedError("nobody answers")


@pytest.mark.terraform
def test_stacks_are_applied_checked_and_destroyed_until_nothing_remains(root: Path) -> None:
    write_stack(root, QUICK, deployment="one")
    protected = {"aws_dynamodb_table": {"data": table(deletion_protection_enabled=True)}}
    protected["aws_dynamodb_table"]["data"]["lifecycle"] = {"prevent_destroy": True}
    slow = {"aws_launch_template": {"web": {"name": "web"}}}
    write_stack(root, {**QUICK, **protected, **slow}, deployment="two")
    fine, said = demonstrate(root, destroy=True, checks_of=lambda _: [Check("topic", topic_exists)])
    assert fine, said
    for name in ("one-test", "two-test"):
        (row,) = (line for line in said.splitlines() if line.startswith(f"{name} "))
        assert "empty" in row
        assert "1 of 1 passed" in row
        assert "state empty" in row
    assert "nothing remains" in said
    assert said.index("two-test: init") < said.index("one-test: init")
    assert re.search(r"longest chain .* took \d+ s \(\S+-test: aws_\S+.*\); that is [\d.]+ times as long", said)
    assert said.splitlines()[-1].startswith("Next: ")
    (run,) = (path for path in (root / ".runs").iterdir() if path.is_dir())
    assert sorted(path.name for path in run.iterdir() if path.is_dir()) == []
    logs = "".join((run / f"{name}-test.log").read_text() for name in ("one", "two"))
    # of each stack, and besides one apply that unprotects, and the state's types at each of four attachments
    commands = Counter(re.findall(r"\$ terraform (\w+)", logs))
    assert commands.pop("init") in (2, 2 + 1)  # one compares the provider with the lock file, once in a process
    assert commands == {"plan": 4, "apply": 4 + 1, "state": 4 + 8, "show": 2}


@pytest.mark.terraform
def test_a_failure_names_stack_resource_message_and_log_and_the_others_finish(root: Path) -> None:
    write_stack(root, QUICK, deployment="good")
    write_stack(root, REFUSED, deployment="refused")
    fine, said = demonstrate(root, checks_of=no_checks)
    assert not fine
    assert "refused-test: terraform apply failed." in said
    assert "aws_ssm_parameter.reserved: creating SSM Parameter" in said
    assert "No access to reserved parameter name" in said
    (log,) = (line.removeprefix("Log: ") for line in said.splitlines() if line.startswith("Log: "))
    assert "No access to reserved" in Path(log).read_text()
    assert "good-test: done" in said


@pytest.mark.terraform
def test_a_failed_check_fails_the_demo(root: Path) -> None:
    write_stack(root, QUICK, deployment="one")
    checks = [Check("topic", topic_exists), Check("pages", disappoint)]
    fine, said = demonstrate(root, checks_of=lambda _: checks)
    assert not fine
    assert "1 of 2 passed" in said
    assert "pages: nobody answers" in said


@pytest.mark.terraform
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_stopped_demo_leaves_no_process_and_no_working_copy(root: Path, stop: signal.Signals) -> None:
    stack = write_stack(root, SLOW, deployment="slow")
    program = (
        "import signal, sys; from pathlib import Path; from operations.console import new_console; from operations.demo.demo import Demo;"
        "signal.signal(signal.SIGINT, signal.default_int_handler);"  # a shell's background jobs are born ignoring it
        "Demo(environment='test', root=Path(sys.argv[1])).run(new_console())"
    )
    demo = subprocess.Popen(
        [sys.executable, "-c", program, str(root)],
        cwd=Path(__file__).parents[3],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "QUINTET_TEST_MARK": str(root)},
        start_new_session=True,
    )
    while not list((root / ".runs").glob("*/slow-test/started")) and demo.poll() is None:
        time.sleep(0.05)
    demo.send_signal(stop)
    said = demo.communicate()[0]
    assert demo.returncode != 0
    assert "Stopping in good order" in said
    assert processes_marked(str(root)) == []
    (run,) = (path for path in (root / ".runs").iterdir() if path.is_dir())
    assert not (run / stack.name).exists()
    log = (run / f"{stack.name}.log").read_text()
    assert "aws_sns_topic.alarms: Creation complete" in log


@pytest.mark.terraform
def test_a_kept_emulator_stays_and_is_explained(root: Path) -> None:
    write_stack(root, QUICK, deployment="one")
    fine, said = demonstrate(root, keep=True, checks_of=no_checks)
    assert "To stop it: quintet emulator stop" in said
    kept = find(root)
    try:
        assert fine
        exports = dict(line.split()[1].split("=", 1) for line in said.splitlines() if line.startswith("  export "))
        (command,) = (line for line in said.splitlines() if line.endswith(" state list"))
        operator = aws_environment(kept.endpoint, account_id=kept.account_id, region=kept.region, secret=kept.secret)
        environment = {**os.environ, **operator, **exports}
        listed = subprocess.run(command, shell=True, env=environment, capture_output=True, text=True, check=True)
        assert listed.stdout.split() == ["aws_sns_topic.alarms", "aws_ssm_parameter.greeting"]
    finally:
        end(root)


@pytest.mark.terraform
def test_a_refused_synth_is_passed_on(root: Path) -> None:
    (root / "main.py").write_text("import sys; sys.exit('Settings refused: dev.toml')")
    with pytest.raises(OperatorError, match=r"Settings refused: dev\.toml"):
        demonstrate(root)


def test_checks_report_what_they_saw_and_why_they_failed(tmp_path: Path) -> None:
    def broken_promise(context: CheckContext) -> str:
        assert context.stack.deployment == "another", "the promise"
        return "kept"

    context = CheckContext(Applied(write_stack(tmp_path, QUICK), {}), aws=None)  # type: ignore[arg-type]
    checks = [Check("fine", lambda _: "seen"), Check("broken", broken_promise), Check("pages", disappoint)]
    passed, failed = run_checks(checks, context)
    assert passed == ["fine: seen"]
    assert [line.split("\n")[0] for line in failed] == ["broken: the promise", "pages: nobody answers"]


def test_a_deployment_without_checks_has_none() -> None:
    assert checks_of("no-such-deployment") == ()


def test_only_what_protects_is_overridden() -> None:
    document = {
        "resource": {
            "aws_db_instance": {
                "database": {"deletion_protection": True, "skip_final_snapshot": False, "port": 5432},
                "free": {"deletion_protection": False, "skip_final_snapshot": True},
            },
            "aws_s3_bucket": {"uploads": {"lifecycle": {"prevent_destroy": True}, "force_destroy": False}},
            "aws_lb_target_group": {"web": {"lifecycle": {"create_before_destroy": True}}},
        }
    }
    assert without_protections(document) == {
        "resource": {
            "aws_db_instance": {"database": {"deletion_protection": False, "skip_final_snapshot": True}},
            "aws_s3_bucket": {"uploads": {"force_destroy": True, "lifecycle": {"prevent_destroy": False}}},
        }
    }
    assert without_protections({"resource": {"aws_vpc": {"network": {}}}}) == {}


def test_zones_a_stack_does_not_make_itself_are_known(tmp_path: Path) -> None:
    records = {
        "page": {"zone_id": "Z0123456789EXAMPLE0", "name": "suai.example.org"},
        "own": {"zone_id": "${aws_route53_zone.own.zone_id}", "name": "a.example.net"},
    }
    assert hosted_zones(write_stack(tmp_path, {"aws_route53_record": records}, deployment="x")) == {
        "Z0123456789EXAMPLE0": "example.org"
    }


def test_images_that_a_stack_has_no_repository_for_are_known(tmp_path: Path) -> None:
    registry = "111122223333.dkr.ecr.us-east-1.amazonaws.com"
    data = {"user_data": f"image={registry}/team/app:1.8.0 registry={registry} own=${{aws_ecr_repository.own.url}}:1"}
    stack = write_stack(tmp_path, {"aws_launch_template": {"web": data}}, deployment="x")
    assert images_of(stack) == {("us-east-1", "team/app", "1.8.0")}


def test_differences_name_arguments_and_no_values() -> None:
    change = {"actions": ["update"], "before": {"password": "old", "port": 1}, "after": {"password": "new", "port": 1}}
    plan = {
        "resource_changes": [
            {"address": "aws_db_instance.database", "change": change},
            {"address": "aws_vpc.network", "change": {"actions": ["no-op"], "before": {}, "after": {}}},
        ],
        "output_changes": {"url": {"actions": ["update"]}, "bucket": {"actions": ["no-op"]}},
    }
    assert differences(plan) == [
        Deviation("aws_db_instance.database", "update (password)"),
        Deviation("output url", "update"),
    ]


def table(**arguments: Any) -> dict[str, Any]:
    attribute = [{"name": "id", "type": "S"}]
    return {
        "name": "DEPLOYMENT",
        "hash_key": "id",
        "billing_mode": "PAY_PER_REQUEST",
        "attribute": attribute,
        **arguments,
    }


def processes_marked(mark: str) -> list[str]:
    """The command lines of all processes that inherited the mark."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if f"QUINTET_TEST_MARK={mark}".encode() in (process / "environ").read_bytes():
                found.append((process / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found
