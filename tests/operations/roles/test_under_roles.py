"""Refusals of roles, met by Terraform on the emulator; that every stack has the rights it needs, the demo of all shows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from config.environment import StateSettings, load_environment
from config.limits import FACTS
from config.settings import ROOT
from emulator.server import Emulator
from operations.aws import Aws
from operations.demo.prerequisites import make_existing
from operations.demo.stack_roles import create_roles, role_arn, role_name
from operations.roles.role import Role
from operations.stacks import find_stacks, only
from operations.state.bootstrap import bootstrap
from operations.state.errored_state import ERRORED
from operations.terraform.run import Run
from operations.terraform.terraform import TerraformError

LESS = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "ec2:CreateVpc", "Resource": "*"}]}
)


@pytest.mark.terraform(minutes=1)
def test_a_role_that_plans_creates_nothing_and_an_action_that_is_missing_fails_the_apply_where_it_is_needed(
    tmp_path: Path,
) -> None:
    stack = only(find_stacks(ROOT), "suai-cloud-app-dev")
    environment = load_environment(stack.environment)
    assert isinstance(environment.state, StateSettings)
    with (
        Emulator.start(log=tmp_path / "emulator.log", facts=FACTS) as emulator,
        Run("roles", root=ROOT) as run,
    ):
        where = {"account_id": stack.account_id, "region": stack.region}
        aws = Aws(emulator.environment(**where))
        bootstrap(aws, environment)
        make_existing(aws, [stack])
        create_roles(aws, [stack])
        keys = {role: emulator.keys_of(role_arn(stack, role), region=stack.region) for role in Role}
        terraform = run.terraform(stack, environment=emulator.full_environment(**where))
        with terraform.using(**keys[Role.PLAN]):
            terraform.init()
            first = terraform.plan("first")
            assert first.changes
            before = emulator.status()["inventory"]
            with pytest.raises(TerraformError, match="is not authorized to perform: "):
                terraform.apply(first)
            assert emulator.status()["inventory"] == before
            (terraform.directory / ERRORED).unlink(missing_ok=True)  # nothing was created, and nothing could be saved
        refused = emulator.status()["decisions"]["denied"]
        assert {each["caller"] for each in refused} == {f"role/{role_name(stack, Role.PLAN)}"}
        aws.client("iam", region=stack.region).put_role_policy(
            RoleName=role_name(stack, Role.APPLY), PolicyName="less", PolicyDocument=LESS
        )
        with (
            terraform.using(**keys[Role.APPLY]),
            pytest.raises(TerraformError, match="is not authorized to perform: ec2:CreateVpc"),
        ):
            terraform.apply(terraform.plan("lacking"))
