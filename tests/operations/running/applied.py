"""A stack whose state says that it was applied to the emulator."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from config.environment import Environment, StateSettings
from emulator.server import Emulator
from operations.aws import Aws
from operations.stacks import Stack
from tests.deployments.suai_cloud_app.day2.suai_support import QuickAws
from tests.operations.terraform_support import REGION, write_stack

__all__ = ["REGION", "AppliedOnEmulator", "apply"]


@dataclass(frozen=True)
class AppliedOnEmulator:
    """A stack in a repository of its own, with a state in an account of its own."""

    root: Path
    stack: Stack
    environment: dict[str, str]
    aws: Aws

    def client(self, service: str) -> Any:
        return self.aws.client(service, region=REGION)

    def lead_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have command lines of this process work in that repository and account."""
        monkeypatch.setattr("config.settings.ROOT", self.root)
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)


def apply(
    root: Path,
    emulator: Emulator,
    account: str,
    resources: dict[str, dict[str, Any]],
    outputs: dict[str, Any] | None = None,
    *,
    deployment: str = "example",
) -> AppliedOnEmulator:
    """Write the state that Terraform would: attributes of resources by address, and values of outputs."""
    state = StateSettings(bucket=f"state-{account}", region=REGION, lock_table="locks")
    stack = write_stack(
        root, {}, deployment=deployment, environment=Environment(name="test", account_id=account, state=state)
    )
    environment = emulator.environment(account_id=account, region=REGION)
    applied = AppliedOnEmulator(root, stack, environment, QuickAws(environment))
    document = {
        "version": 4,
        "terraform_version": "1.11.4",
        "serial": 7,
        "lineage": "one",
        "outputs": {
            **{name: {"value": value, "type": "string"} for name, value in (outputs or {}).items()},
            "password": {"value": "a secret", "type": "string", "sensitive": True},
        },
        "resources": [
            {
                "mode": "managed",
                "type": address.partition(".")[0],
                "name": address.partition(".")[2],
                "instances": [{"attributes": attributes}],
            }
            for address, attributes in resources.items()
        ],
    }
    s3 = applied.client("s3")
    s3.create_bucket(Bucket=stack.state.bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=stack.state.bucket, Key=stack.state.key, Body=json.dumps(document).encode())
    return applied
