"""Plans with one provider process for all of Terraform's commands are those that Terraform makes by itself."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.server import Emulator
from operations.aws import Aws
from operations.plans.standing_provider import StandingProviders
from operations.stacks import FILE, Stack
from operations.state.bootstrap import bootstrap
from operations.terraform.run import Run
from operations.terraform.terraform import PlanResult, Terraform, TerraformError
from tests.operations.terraform_support import ACCOUNT, ENVIRONMENT, REGION, make_root, write_stack

pytestmark = [pytest.mark.terraform, pytest.mark.xdist_group("standing-provider")]
RESOURCES: dict[str, Any] = {
    "aws_sns_topic": {"alarms": {"name": "DEPLOYMENT-alarms"}},
    "aws_sqs_queue": {"queue": {"name": "DEPLOYMENT-queue"}},
}


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    with Emulator.start(log=Path("/dev/null")) as running:
        aws = Aws(running.environment(account_id=ACCOUNT, region=REGION))
        bootstrap(aws, ENVIRONMENT)
        yield running


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    with Run("test", root=make_root(tmp_path / "root")) as run:
        yield run


def terraform_for(run: Run, stack: Stack, emulator: Emulator) -> Terraform:
    return run.terraform(stack, environment=emulator.full_environment(account_id=ACCOUNT, region=REGION))


def shown(terraform: Terraform, plan: PlanResult) -> dict[str, Any]:
    return {name: part for name, part in terraform.show_json(plan).items() if name != "timestamp"}


def providers_of(run: Run) -> list[Path]:
    """Provider processes that work for this run."""
    processes = subprocess.run(["pgrep", "-f", "terraform-provider-aws"], capture_output=True, text=True, check=False)
    return [
        process
        for process in map(Path("/proc").joinpath, processes.stdout.split())
        if run.folder in (process / "cwd").readlink().parents
        and (process / "cmdline").read_bytes().split(b"\0")[1:2] == [b"-debug"]
    ]


def test_the_plan_is_the_one_terraform_makes_by_itself_and_can_be_applied_in_the_usual_way(
    run: Run, emulator: Emulator
) -> None:
    stack = write_stack(run.root, RESOURCES, deployment="standing")
    terraform = terraform_for(run, stack, emulator)
    terraform.init()
    by_itself = shown(terraform, terraform.plan())
    (run.folder / stack.name).rename(run.folder / "by-itself")

    terraform = terraform_for(run, stack, emulator)
    with StandingProviders(run) as providers, providers.attached(terraform, stack):
        assert len(providers_of(run)) == 1
        terraform.init()
        plan = terraform.plan()
        assert shown(terraform, plan) == by_itself
    assert providers_of(run) == []
    assert {path.name for path in run.folder.iterdir() if path.is_dir()} == {"by-itself", stack.name}

    terraform.init()
    terraform.apply(plan)
    with StandingProviders(run) as providers, providers.attached(terraform, stack):
        assert not terraform.plan().changes
    without = write_stack(run.root, {"aws_sns_topic": RESOURCES["aws_sns_topic"]}, deployment="standing")
    shutil.copyfile(without.folder / FILE, terraform.directory / FILE)
    with StandingProviders(run) as providers, providers.attached(terraform, without):
        assert terraform.plan().planned == (("aws_sqs_queue.queue", "delete"),)  # a type that the state alone names
        terraform.destroy()  # each command of a block configures the provider anew
        assert terraform.state_list() == []


def test_a_provider_that_is_not_the_lock_files_is_refused(run: Run, emulator: Emulator) -> None:
    stack = write_stack(run.root, RESOURCES, deployment="wrong")
    lock = stack.folder / ".terraform.lock.hcl"
    lines = [line for line in lock.read_text().splitlines() if '"zh:' not in line]
    lock.write_text("\n".join(f'    "h1:{"A" * 43}=",' if '"h1:' in line else line for line in lines))
    terraform = terraform_for(run, stack, emulator)
    with (
        StandingProviders(run) as providers,
        pytest.raises(TerraformError, match="checksums"),
        providers.attached(terraform, stack),
    ):
        pytest.fail("it was used")


def test_two_configurations_of_the_provider_have_a_process_each(run: Run, emulator: Emulator) -> None:
    stack = write_stack(run.root, RESOURCES, deployment="two-regions")
    file = stack.folder / "cdk.tf.json"
    document = json.loads(file.read_text())
    (here,) = document["provider"]["aws"]
    document["provider"]["aws"].append({**here, "alias": "other", "region": "us-east-1"})
    there = {"name": "DEPLOYMENT-there", "provider": "aws.other"}
    document["resource"]["aws_sns_topic"]["there"] = there
    file.write_text(json.dumps(document))
    terraform = terraform_for(run, stack, emulator)
    with StandingProviders(run) as providers, providers.attached(terraform, stack):
        for _ in range(2):
            terraform.apply(terraform.plan())
            resources = terraform.state_pull()["resources"]
            regions = {each["instances"][0]["attributes"]["arn"].split(":")[3] for each in resources}
            assert regions == {here["region"], "us-east-1"}
        assert len(providers_of(run)) == 2
    assert providers_of(run) == []
