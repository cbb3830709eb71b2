from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from config.environment import CloudStateSettings
from operations.commands.state import app
from operations.console import new_console
from operations.demo.demo import Demo
from operations.errors import OperatorError
from operations.state.bootstrap import bootstrap
from operations.state.status import status
from tests.operations.terraform_support import ENVIRONMENT, QUICK, make_repository, write_stack

if TYPE_CHECKING:
    from pathlib import Path

    from operations.stacks import Stack

CLOUD = ENVIRONMENT.model_copy(update={"state": CloudStateSettings(backend="cloud", organization="suai")})
SETTINGS = f"""
name = "test"
account_id = "{ENVIRONMENT.account_id}"
[state]
backend = "cloud"
organization = "suai"
"""


def write_cloud_stack(root: Path) -> Stack:
    """Commit a stack whose state HCP Terraform keeps, with the guard that main.py gives it."""
    stack = write_stack(root, QUICK)
    document = json.loads((stack.folder / "cdk.tf.json").read_text())
    del document["terraform"]["backend"]
    document["terraform"]["cloud"] = {"organization": "suai", "workspaces": {"name": stack.name}}
    validation = {"condition": '${var.TFC_RUN_ID != ""}', "error_message": "Only in HCP Terraform."}
    document["variable"] = {"TFC_RUN_ID": {"type": "string", "default": "", "validation": [validation]}}
    (stack.folder / "cdk.tf.json").write_text(json.dumps(document))
    return stack


@pytest.mark.parametrize("ask", [lambda: bootstrap(None, CLOUD), lambda: status(None, CLOUD, [])])  # type: ignore[arg-type]
def test_commands_about_the_bucket_say_where_the_state_is(ask: Any) -> None:
    with pytest.raises(OperatorError, match=r"test keeps its state in the organization suai of app\.terraform\.io"):
        ask()


def test_status_of_all_environments_names_the_organization(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.environment.environment_names", lambda: ["test"])
    monkeypatch.setattr("config.environment.load_environment", lambda _: CLOUD)
    assert "test: in the organization suai of HCP Terraform." in CliRunner().invoke(app, ["status"]).output


@pytest.mark.terraform
def test_the_demo_applies_such_stacks_with_their_state_beside_them(tmp_path: Path) -> None:
    root = make_repository(tmp_path / "repository", SETTINGS)
    write_cloud_stack(root)
    output = io.StringIO()
    fine = Demo(environment="test", root=root, destroy=True, checks_of=lambda _: ()).run(
        new_console(file=output, width=200)
    )
    said = output.getvalue()
    assert fine, said
    assert "state empty" in said
