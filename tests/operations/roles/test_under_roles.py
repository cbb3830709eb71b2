"""Stacks on the emulator under their own roles: planned, applied, planned again to nothing, destroyed."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from config.environment import StateSettings, load_environment
from config.limits import FACTS
from config.registry import DEPLOYMENTS
from config.settings import ROOT
from emulator.server import Emulator
from operations.aws import Aws
from operations.demo.path_style import path_style
from operations.demo.prerequisites import make_existing
from operations.demo.unprotect import without_protections
from operations.roles.documents import role_documents
from operations.roles.provider_rights import operated
from operations.roles.role import Role
from operations.stacks import Stack, find_stacks, only
from operations.state.bootstrap import bootstrap
from operations.state.errored_state import ERRORED
from operations.terraform.run import Run
from operations.terraform.terraform import Terraform, TerraformError

pytestmark = pytest.mark.terraform(minutes=9)
TRUST = {"Statement": {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}}


class Account:
    """The account of a stack on an emulator, with the roles that plan and apply it."""

    def __init__(self, emulator: Emulator, stack: Stack) -> None:
        self.emulator, self.stack = emulator, stack
        self._aws = Aws(emulator.environment(account_id=stack.account_id, region=stack.region))
        environment = load_environment(stack.environment)
        assert isinstance(environment.state, StateSettings)
        bootstrap(self._aws, environment)
        make_existing(self._aws, [stack])
        self._iam: Any = self._aws.client("iam", region=stack.region)
        self.arns: dict[Role, str] = {}
        for role in (Role.PLAN, Role.APPLY, *([Role.OPERATE] if stack.deployment in operated() else [])):
            made = self._iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(TRUST))
            self.arns[role] = made["Role"]["Arn"]
            for document in role_documents(stack, role):
                policy = self._iam.create_policy(PolicyName=document.name, PolicyDocument=document.text)
                self._iam.attach_role_policy(RoleName=role, PolicyArn=policy["Policy"]["Arn"])

    def keys(self, role: Role) -> dict[str, str]:
        """Variables with keys of the role."""
        return self.emulator.keys_of(self.arns[role], region=self.stack.region)

    def denied(self) -> list[str]:
        """Calls that were refused, but for the one that `without` takes away."""
        return [f"{each['caller']} {each['action']} {each['resource']}" for each in self.emulator.status()["decisions"]["denied"]]  # fmt: skip

    def deny(self, role: Role, action: str) -> None:
        """Take an action away from the role."""
        document = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": action, "Resource": "*"}]}
        self._iam.put_role_policy(RoleName=role, PolicyName="less", PolicyDocument=json.dumps(document))

    def give_back(self, role: Role) -> None:
        """Undo `deny`."""
        self._iam.delete_role_policy(RoleName=role, PolicyName="less")


@pytest.fixture
def account(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Account]:
    stack = only(find_stacks(ROOT), f"{request.param}-dev")
    with Emulator.start(log=tmp_path / "emulator.log", facts=FACTS) as emulator:
        yield Account(emulator, stack)


def write(terraform: Terraform, name: str, override: dict[str, Any]) -> None:
    if override:
        (terraform.directory / f"{name}_override.tf.json").write_text(json.dumps(override))


def operate(stack: Stack, environment: Mapping[str, str], folder: Path) -> None:
    """Commands of the role that operates the SUAI Cloud App."""
    executable = folder / "app"
    executable.write_bytes(b"\x7fELF")
    publish = ("suai", "publish", "--environment", stack.environment, "--app", str(executable), "--version", "one")
    for arguments in (
        ("output", stack.name, "url"),
        (*publish, "--no-refresh"),
        ("suai", "releases", "--environment", stack.environment),
        ("logs", stack.name, "boot"),
        ("shell", stack.name),
    ):
        command = [sys.executable, "-m", "operations", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("account", [known.name for known in DEPLOYMENTS], indirect=True)
def test_a_stack_is_planned_applied_and_destroyed_by_its_roles(account: Account) -> None:
    stack = account.stack
    inherited = account.emulator.full_environment(account_id=stack.account_id, region=stack.region)
    document = json.loads((stack.folder / "cdk.tf.json").read_text(encoding="utf-8"))
    with Run("roles", root=ROOT) as run:
        terraform = run.terraform(stack, environment=inherited)
        write(terraform, "path_style", path_style(document))
        with terraform.using(**account.keys(Role.PLAN)):
            terraform.init()
            first = terraform.plan("first")
            assert first.changes
            with pytest.raises(TerraformError, match="is not authorized to perform: "):
                terraform.apply(first)
            (terraform.directory / ERRORED).unlink(missing_ok=True)  # nothing was made, and nothing could be saved
        assert all(line.startswith("role/plan ") for line in account.denied())
        with terraform.using(**account.keys(Role.APPLY)):
            account.deny(Role.APPLY, "ec2:CreateVpc")
            with pytest.raises(TerraformError, match="is not authorized to perform: ec2:CreateVpc"):
                terraform.apply(terraform.plan("lacking"))
            account.give_back(Role.APPLY)
            terraform.apply(terraform.plan("whole"))
        with terraform.using(**account.keys(Role.PLAN)):
            assert not terraform.plan("again").changes
        if Role.OPERATE in account.arns:
            operate(stack, inherited | account.keys(Role.OPERATE), run.folder)
        with terraform.using(**account.keys(Role.APPLY)):
            write(terraform, "unprotected", without_protections(document))
            terraform.apply(terraform.plan("unprotect"))
            terraform.destroy()
        assert terraform.state_list() == []
        denied = account.denied()
        lacking = [line for line in denied if not line.startswith("role/plan ") and "ec2:CreateVpc" not in line]
        assert lacking == []
        assert account.emulator.status()["missing"] == {}
