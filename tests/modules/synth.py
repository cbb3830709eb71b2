"""A stack to try constructs in, and what it becomes when it is synthesised as `main.py` would.

stack = sample_stack()
Table(stack, "sessions", …)
assert_subset(synthesised(stack).resource("aws_dynamodb_table.sessions"), {"hash_key": "id"})
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cdktf import App

from config.components import OwnNetwork
from config.deployment import DeploymentSettings
from config.environment import Environment, StateSettings
from modules.stack import DeploymentStack

ABSENT = object()
"""In an expectation: this key must not be there, or be null."""

_FOLDERS = tempfile.TemporaryDirectory(prefix="synthesised-")

NETWORK = OwnNetwork(cidr_block="10.20.0.0/16", availability_zones=("eu-central-1a", "eu-central-1b"))


def sample_stack(
    *, deployment: str = "sample", environment: str = "test", region: str = "eu-central-1", protect_data: bool = True
) -> DeploymentStack:
    """An empty deployment stack in an app of its own."""
    return DeploymentStack(
        App(outdir=tempfile.mkdtemp(dir=_FOLDERS.name)),
        deployment=deployment,
        environment=Environment(
            name=environment,
            account_id="111122223333",
            state=StateSettings(bucket="sample-state", region=region, lock_table="sample-locks"),
            protect_data=protect_data,
        ),
        settings=DeploymentSettings(
            region=region,
            network=NETWORK.model_copy(update={"availability_zones": (f"{region}a", f"{region}b")}),
        ),
    )


@dataclass(frozen=True)
class Synthesised:
    """The Terraform JSON of one stack and the files beside it."""

    document: Mapping[str, Any]
    files: Mapping[str, bytes]

    def resource(self, address: str) -> dict[str, Any]:
        """The attributes of the one resource at `address`, such as `aws_subnet.network_private_a`."""
        kind, _, name = address.partition(".")
        resources = self.resources(kind)
        assert name in resources, f"there is no {address}; of that type there are: {', '.join(resources) or 'none'}"
        found: dict[str, Any] = resources[name]
        return found

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        """All resources of one type by name: empty when there are none."""
        found: dict[str, dict[str, Any]] = self.document.get("resource", {}).get(kind, {})
        return found

    def addresses(self) -> set[str]:
        """The addresses of all resources."""
        return {f"{kind}.{name}" for kind, named in self.document.get("resource", {}).items() for name in named}

    def policy(self, address: str, key: str = "policy") -> dict[str, dict[str, Any]]:
        """The statements of a policy document that stands in a resource, by their sid."""
        return {statement["Sid"]: statement for statement in json.loads(self.resource(address)[key])["Statement"]}

    def exemptions(self, address: str) -> dict[str, str]:
        """The rules that the resource is exempt from, each with its reason."""
        found: dict[str, str] = self.resource(address).get("//", {}).get("exemptions", {})
        return found


def synthesised(stack: DeploymentStack) -> Synthesised:
    """The stack's Terraform JSON. Raises RuntimeError with the findings when the stack is refused."""
    app = stack.node.root
    assert isinstance(app, App)
    app.synth()
    document = Path(app.outdir, "stacks", stack.node.id, "cdk.tf.json").read_text(encoding="utf-8")
    return Synthesised(json.loads(document), dict(stack.files))


def assert_subset(actual: Any, expected: Any, *, at: str = "") -> None:
    """Every key expected is there with its value, whatever else there is; lists have the same length.

    An expected `ABSENT` asks for a key that is missing or null.
    """
    if isinstance(expected, Mapping):
        assert isinstance(actual, Mapping), f"{at or 'it'} is {actual!r}, not a mapping"
        for key, value in expected.items():
            place = f"{at}.{key}".lstrip(".")
            if value is ABSENT:
                assert actual.get(key) is None, f"{place} is there: {actual[key]!r}"
            else:
                assert key in actual, f"{place} is missing; there are: {', '.join(map(str, actual))}"
                assert_subset(actual[key], value, at=place)
    elif isinstance(expected, list | tuple):
        assert isinstance(actual, list), f"{at or 'it'} is {actual!r}, not a list"
        assert len(actual) == len(expected), f"{at or 'it'} has {len(actual)} items, not {len(expected)}: {actual!r}"
        for index, value in enumerate(expected):
            assert_subset(actual[index], value, at=f"{at}[{index}]")
    else:
        assert actual == expected, f"{at or 'it'} is {actual!r}, not {expected!r}"
