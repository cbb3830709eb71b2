"""The API's credentials are an operator's: preflight names them, and no state has them, not even one from before."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from config.settings import ROOT
from deployments.canvas_data_2.day2.preflight import credentials, libraries, task_image
from deployments.canvas_data_2.day2.publish import layer_description
from emulator.server import Emulator
from operations.aws import Aws
from operations.plans.standing_provider import StandingProviders
from operations.review.adoption import look_up, section
from operations.review.preflight.account import Account
from operations.review.preflight.findings import Verdict
from operations.review.preflight.planned import PlannedDocument
from operations.stacks import Stack, find_stacks, only
from operations.terraform.run import Run
from operations.terraform.terraform import Terraform
from tests.operations.terraform_support import ACCOUNT, REGION, make_repository, write_stack
from tests.planted.search import SecretSearch

SECRET = "planted-secret-of-the-operator"
ID, CLIENT_SECRET = (f"/dev/canvas_data_2/{name}" for name in ("dap_client_id", "dap_client_secret"))


def test_preflight_names_the_credentials_that_are_not_filled_yet(emulator: Emulator, account: str) -> None:
    stack = dataclasses.replace(only(find_stacks(ROOT), "canvas-data-2-dev"), account_id=account)
    aws = Aws(emulator.environment(account_id=account, region=stack.region))
    ssm = aws.client("ssm", region=stack.region)
    asked = Account(aws, region=stack.region)
    ssm.put_parameter(Name=ID, Value="x", Type="SecureString")
    (found,) = credentials(asked, PlannedDocument(stack))
    assert (found.verdict, found.found) == (Verdict.WARNING, f"not filled yet: {CLIENT_SECRET}")
    assert found.hint.endswith("quintet canvas put-credentials --environment dev")
    ssm.put_parameter(Name=CLIENT_SECRET, Value="x", Type="SecureString")
    (found,) = credentials(asked, PlannedDocument(stack))
    assert found.verdict is Verdict.FINE


def test_preflight_names_the_code_that_is_not_published_yet(
    emulator: Emulator, account: str, aws: Callable[..., Any]
) -> None:
    stack = dataclasses.replace(only(find_stacks(ROOT), "canvas-data-2-dev"), account_id=account)
    asked = Account(Aws(emulator.environment(account_id=account, region=stack.region)), region=stack.region)
    planned = PlannedDocument(stack)
    (layer,), (image,) = libraries(asked, planned), task_image(asked, planned)
    assert [found.verdict for found in (layer, image)] == [Verdict.WARNING] * 2
    assert layer.hint == image.hint == "after the apply: quintet canvas publish --environment dev"
    aws("lambda", region=stack.region).publish_layer_version(
        LayerName="canvas-data-2-dev-sync-table-libraries",
        Description=layer_description(),
        Content={"ZipFile": b"libraries"},
    )
    ecr, name = aws("ecr", region=stack.region), "canvas-data-2-dev-table-task"
    ecr.create_repository(repositoryName=name)
    assert f"there is no {name}:" in next(task_image(asked, planned)).found
    kind = "application/vnd.docker.distribution.manifest.v2+json"
    manifest = json.dumps({"schemaVersion": 2, "mediaType": kind, "layers": [], "config": {"digest": "1"}})
    tag = image.found.partition(f"{name}:")[2].partition(":")[0]
    ecr.put_image(repositoryName=name, imageManifest=manifest, imageTag=tag)
    (layer,), (image,) = libraries(asked, planned), task_image(asked, planned)
    assert [found.verdict for found in (layer, image)] == [Verdict.FINE] * 2


@contextmanager
def local_terraform(run: Run, stack: Stack, environment: Mapping[str, str]) -> Iterator[Terraform]:
    """Terraform with its state beside the stack; its commands share one process of the provider."""
    with run, StandingProviders(run) as providers:
        terraform = run.terraform(stack, environment=environment)
        local = {"terraform": {"backend": {"local": {}}}}
        (terraform.directory / "local_override.tf.json").write_text(json.dumps(local))
        with providers.attached(terraform, stack):
            yield terraform


@pytest.mark.emulator
@pytest.mark.terraform
def test_a_state_from_before_forgets_the_secret_and_aws_keeps_it(emulator: Emulator, tmp_path: Path) -> None:
    root = make_repository(tmp_path)
    parameter = {"name": CLIENT_SECRET, "type": "SecureString", "value": "not set"}
    before = {"dap_client_secret": {**parameter, "lifecycle": {"ignore_changes": ["value"]}}}
    stack = write_stack(root, {"aws_ssm_parameter": before}, deployment="canvas")
    environment = emulator.full_environment(account_id=ACCOUNT, region=REGION)
    aws = Aws(emulator.environment(account_id=ACCOUNT, region=REGION))
    ssm = aws.client("ssm", region=REGION)
    with local_terraform(Run("forget", root=root), stack, environment) as terraform:
        terraform.apply(terraform.plan())
        ssm.put_parameter(Name=CLIENT_SECRET, Value=SECRET, Type="SecureString", Overwrite=True)
        terraform.apply(terraform.plan("refreshed"))
        assert SECRET in json.dumps(terraform.state_pull())
        file = terraform.directory / "cdk.tf.json"
        document = json.loads(file.read_text())
        del document["resource"]
        committed = json.loads((ROOT / "generated/stacks/canvas-data-2-dev/cdk.tf.json").read_text())
        document["removed"] = committed["removed"]
        file.write_text(json.dumps(document))
        plan = terraform.plan("forget")
        terraform.apply(plan)
        assert terraform.state_list() == []
        assert SECRET not in json.dumps(terraform.state_pull())
        assert ssm.get_parameter(Name=CLIENT_SECRET, WithDecryption=True)["Parameter"]["Value"] == SECRET
        changed = {"KeyId": aws.client("kms", region=REGION).create_key()["KeyMetadata"]["Arn"], "Description": "New"}
        ssm.put_parameter(Name=CLIENT_SECRET, Value=SECRET, Type="SecureString", Overwrite=True, **changed)
        again = terraform.plan("again")
        assert not again.changes
        shown = json.dumps(terraform.show_json(again))
        terraform.apply(terraform.plan("refreshed-again", refresh_only=True))
        search = SecretSearch({"dap_client_secret": SECRET})
        assert search.in_texts([("plan", shown), ("state", json.dumps(terraform.state_pull()))]) == []
        assert ssm.get_parameter(Name=CLIENT_SECRET, WithDecryption=True)["Parameter"]["Value"] == SECRET


@pytest.mark.emulator
@pytest.mark.terraform
def test_adoption_brings_no_secret_into_state_plan_or_run(emulator: Emulator, account: str, tmp_path: Path) -> None:
    root = make_repository(tmp_path)
    adopted = {"aws_secretsmanager_secret": {"login": {"name": f"login-{account}"}}}
    stack = write_stack(root, adopted, deployment="canvas")
    aws = Aws(emulator.environment(account_id=ACCOUNT, region=REGION))
    aws.client("secretsmanager", region=REGION).create_secret(Name=f"login-{account}", SecretString=SECRET)
    found = list(look_up(aws, stack))
    file = stack.folder / "cdk.tf.json"
    document = json.loads(file.read_text())
    document["import"] = [{"to": each.address, "id": each.id} for each in found]
    file.write_text(json.dumps(document))
    run = Run("adopt", root=root, keep=True)
    environment = emulator.full_environment(account_id=ACCOUNT, region=REGION)
    with local_terraform(run, stack, environment) as terraform:
        plan = terraform.plan()
        shown = json.dumps(terraform.show_json(plan))
        terraform.apply(plan)
        assert not terraform.plan("second").changes
        assert terraform.state_list() == ["aws_secretsmanager_secret.login"]
    search = SecretSearch({"login": SECRET})
    assert search.in_files(run.folder) + search.in_texts([("plan", shown), ("proposal", section(found))]) == []
