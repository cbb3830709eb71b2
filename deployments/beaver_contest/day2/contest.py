"""An applied Beaver Contest: its outputs, and clients for the AWS it lives in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deployments.beaver_contest.outputs import BeaverContestOutputs
from operations.applied import find_applied

if TYPE_CHECKING:
    from pathlib import Path

    from operations.aws import Aws
    from operations.stacks import Stack

DEPLOYMENT = "beaver-contest"


@dataclass(frozen=True)
class Contest:
    """One applied environment of the deployment."""

    stack: Stack
    outputs: BeaverContestOutputs
    aws: Aws

    @classmethod
    def applied(cls, root: Path, environment: str, aws: Aws) -> Contest:
        """The contest in `environment`. Raises OperatorError when it is not applied, as `find_applied` does."""
        found = find_applied(root, DEPLOYMENT, environment, aws)
        return cls(found.stack, found.read(BeaverContestOutputs), aws)

    @property
    def name(self) -> str:
        """The stack's name."""
        return self.stack.name

    @property
    def region(self) -> str:
        """The stack's region."""
        return self.stack.region

    def client(self, service: str) -> Any:
        """A boto3 client of `service` in the stack's region."""
        return self.aws.client(service, region=self.region)
