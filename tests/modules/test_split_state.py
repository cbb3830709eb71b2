"""A stack's state is in one place: S3 or HCP Terraform; a run that would keep it in the other fails before it changes anything.

HCP Terraform's mechanism is reproduced: it drops an override file for the backend into the folder and sets TFC_RUN_ID.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from cdktf import App

from config.deployment import DeploymentSettings
from config.environment import CloudStateSettings, Environment, StateSettings
from modules.stack import DeploymentStack
from operations.terraform.processes import Children
from operations.terraform.terraform import run_environment
from tests.modules.synth import NETWORK, synthesised

S3 = StateSettings(bucket="sample-state", region="eu-west-1", lock_table="sample-locks")
CLOUD = CloudStateSettings(backend="cloud", organization="suai", workspaces={"other": "their-own"})
IN_HCP_TERRAFORM = {"TF_VAR_TFC_RUN_ID": "run-CZcmD7eagjhyX0vN"}
COMMANDS = (
    ("plan",),
    ("plan", "-destroy"),
    ("plan", "-refresh-only"),
    ("apply", "-auto-approve"),
    ("apply", "-auto-approve", "-destroy"),
    ("apply", "-auto-approve", "-refresh-only"),
)


def document(state: StateSettings | CloudStateSettings, folder: Path, *, deployment: str = "sample") -> dict[str, Any]:
    stack = DeploymentStack(
        App(outdir=str(folder)),
        deployment=deployment,
        environment=Environment(name="test", account_id="111122223333", state=state),
        settings=DeploymentSettings(region="eu-central-1", network=NETWORK),
    )
    return dict(synthesised(stack).document)


def test_a_workspace_of_hcp_terraform_keeps_the_state_instead_of_the_bucket(tmp_path: Path) -> None:
    terraform = document(CLOUD, tmp_path)["terraform"]
    assert terraform["cloud"] == {
        "hostname": "app.terraform.io",
        "organization": "suai",
        "workspaces": {"name": "sample-test"},
    }
    assert "backend" not in terraform
    assert terraform["required_version"].startswith("~> ")


def test_a_workspace_can_be_called_otherwise(tmp_path: Path) -> None:
    assert document(CLOUD, tmp_path, deployment="other")["terraform"]["cloud"]["workspaces"] == {"name": "their-own"}


class Folder:
    """A stack's settings for Terraform with one resource that needs no provider, applied once and since then changed."""

    def __init__(self, path: Path, document: dict[str, Any]) -> None:
        terraform = {key: value for key, value in document["terraform"].items() if key != "required_providers"}
        self.path = path
        self._document = {"terraform": terraform, "variable": document["variable"]}
        self._write("old")
        override = {"terraform": {"backend": {"local": {}}}}
        (path / "zzz_backend_override.tf.json").write_text(json.dumps(override))

    def _write(self, content: str) -> None:
        resource = {"resource": {"terraform_data": {"data": {"input": content}}}}
        (self.path / "cdk.tf.json").write_text(json.dumps(self._document | resource))

    def change(self) -> None:
        self._write("new")

    @property
    def state(self) -> str:
        return (self.path / "terraform.tfstate").read_text()

    def run(self, *command: str, allowed: bool = True, variables: dict[str, str]) -> str:
        environment = run_environment(os.environ, variables)
        with Children() as children:
            code, output, errors = children.capture(
                ["terraform", *command, "-no-color"], cwd=self.path, environment=environment
            )
        assert (code == 0) == allowed, output + errors
        return " ".join((output + errors).replace("│", "").split())


@pytest.mark.terraform
def test_a_workspace_of_terraform_would_be_a_second_state_and_is_refused(tmp_path: Path) -> None:
    folder = Folder(tmp_path, document(S3, tmp_path / "synthesised"))
    folder.run("init", variables={})
    folder.run("apply", "-auto-approve", variables={})
    folder.change()
    folder.run("workspace", "new", "staging", variables={})
    for command in (("plan",), ("apply", "-auto-approve")):  # nothing can be destroyed or refreshed in an empty state
        said = folder.run(*command, allowed=False, variables={})
        assert "This stack has one state, in s3://sample-state" in said
    folder.run("workspace", "select", "default", variables={})
    folder.run("plan", variables={})


@pytest.mark.terraform
@pytest.mark.parametrize(
    ("state", "where_it_belongs", "elsewhere", "explanation"),
    [
        (S3, {}, IN_HCP_TERRAFORM, "keeps its state in s3://sample-state and may not run inside HCP Terraform"),
        (CLOUD, IN_HCP_TERRAFORM, {}, "keeps its state in the organization suai of app.terraform.io and may only run"),
        (CLOUD, {"TF_VAR_TFC_RUN_ID": "outside"}, {}, "set TF_VAR_TFC_RUN_ID=outside"),
    ],
    ids=["S3 inside HCP Terraform", "HCP Terraform outside", "the escape"],
)
def test_a_run_where_the_state_is_not_kept_fails_and_changes_nothing(
    tmp_path: Path,
    state: StateSettings | CloudStateSettings,
    where_it_belongs: dict[str, str],
    elsewhere: dict[str, str],
    explanation: str,
) -> None:
    folder = Folder(tmp_path, document(state, tmp_path / "synthesised"))
    folder.run("init", variables=where_it_belongs)
    folder.run("apply", "-auto-approve", variables=where_it_belongs)
    folder.change()
    before = folder.state
    for command in COMMANDS:
        said = folder.run(*command, allowed=False, variables=elsewhere)
        assert explanation in said
        assert "Nothing was changed" in said
        assert folder.state == before
    folder.run("apply", "-auto-approve", variables=where_it_belongs)
    assert folder.state != before
