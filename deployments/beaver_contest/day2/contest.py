"""An applied Beaver Contest: its outputs, and clients for the AWS it lives in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.applied import outputs_of

if TYPE_CHECKING:
    from pathlib import Path

    from operations.applied import Outputs
    from operations.aws import Aws

DEPLOYMENT = "beaver-contest"
ROLES = ("contest", "admin")
"""The two environments, in the order in which the document's script deploys them."""


@dataclass(frozen=True)
class Contest:
    """One applied environment of the deployment."""

    outputs: Outputs
    aws: Aws

    @classmethod
    def applied(cls, root: Path, environment: str, aws: Aws) -> Contest:
        """The contest in `environment`. Raises OperatorError when it is not applied, as `outputs_of` does."""
        return cls(outputs_of(root, DEPLOYMENT, environment, aws), aws)

    @property
    def name(self) -> str:
        """The stack's name."""
        return self.outputs.stack.name

    @property
    def region(self) -> str:
        """The stack's region."""
        return self.outputs.stack.region

    def client(self, service: str) -> Any:
        """A boto3 client of `service` in the stack's region."""
        return self.aws.client(service, region=self.region)

    def text(self, output: str) -> str:
        """One output. Raises OperatorError when the stack was applied before it had it."""
        return self.outputs.text(output)
