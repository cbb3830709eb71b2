"""An applied Sync Storage: its outputs and its nodes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deployments.sync_storage.outputs import SyncStorageOutputs
from operations.applied import find_applied
from operations.errors import OperatorError

if TYPE_CHECKING:
    from pathlib import Path

    from operations.aws import Aws
    from operations.stacks import Stack

DEPLOYMENT = "sync-storage"
SERVICE = "sync-1.5"
"""The node's name at the token server."""


@dataclass(frozen=True)
class DeployedNode:
    """A node as its entry in the Parameter Store describes it, which webheads read as well."""

    name: str
    address: str
    port: int
    identifier: str
    scheme: str
    host_names: tuple[str, ...]
    master_secrets: str
    """The secret that holds its lines of the secrets file."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of its host names at the token server, with the scheme."""
        return tuple(f"{self.scheme}://{host_name}" for host_name in self.host_names)


@dataclass(frozen=True)
class Deployed:
    """Where to find everything of one environment."""

    aws: Aws
    stack: Stack
    outputs: SyncStorageOutputs

    @classmethod
    def find(cls, root: Path, environment: str, aws: Aws) -> Deployed:
        """Raises OperatorError when it is not applied or the credentials are for another account."""
        applied = find_applied(root, DEPLOYMENT, environment, aws)
        return cls(aws, applied.stack, applied.read(SyncStorageOutputs))

    @property
    def environment(self) -> str:
        """Its name."""
        return self.stack.environment

    @property
    def region(self) -> str:
        """Where it is."""
        return self.stack.region

    def client(self, service: str) -> Any:
        """A boto3 client in its region."""
        return self.aws.client(service, region=self.region)

    def nodes(self) -> dict[str, DeployedNode]:
        """Every node that Terraform has made, by name. Raises what botocore raises."""
        path = f"{self.outputs.parameter_path}/nodes"
        pages = self.client("ssm").get_paginator("get_parameters_by_path").paginate(Path=path)
        found = [parameter for page in pages for parameter in page["Parameters"]]
        nodes = {}
        for parameter in found:
            name = parameter["Name"].rpartition("/")[2]
            fields = json.loads(parameter["Value"])
            nodes[name] = DeployedNode(name, **{**fields, "host_names": tuple(fields["host_names"])})
        return dict(sorted(nodes.items()))

    def chosen(self, names: list[str]) -> list[DeployedNode]:
        """The nodes of these names, all without names. Raises OperatorError for one that is not there."""
        nodes = self.nodes()
        if unknown := [name for name in names if name not in nodes]:
            raise OperatorError(
                f"There is no node {', '.join(unknown)}; nodes of {self.environment}: {', '.join(nodes) or 'none'}.",
                hint=f"Add [nodes.{unknown[0]}] to deployments/sync_storage/environments/{self.environment}.toml, "
                f"make synth, and apply generated/stacks/{self.stack.name}.",
            )
        return [nodes[name] for name in names] if names else list(nodes.values())
