"""An applied Canvas Data 2: its outputs, and clients for the AWS it lives in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deployments.canvas_data_2.day2 import DEPLOYMENT
from deployments.canvas_data_2.outputs import CanvasData2Outputs
from operations.applied import find_applied
from operations.state.one_operator import one_operator

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

    from operations.aws import Aws
    from operations.stacks import Stack


@dataclass(frozen=True)
class CanvasData2:
    """One applied environment of the deployment."""

    stack: Stack
    outputs: CanvasData2Outputs
    aws: Aws

    @classmethod
    def applied(cls, root: Path, environment: str, aws: Aws) -> CanvasData2:
        """Raises OperatorError when it is not applied in `environment`, as `find_applied` does."""
        found = find_applied(root, DEPLOYMENT, environment, aws)
        return cls(found.stack, found.read(CanvasData2Outputs), aws)

    def changed(self, operation: str, *, dry_run: bool) -> AbstractContextManager[None]:
        """One operator at a time while the block runs; a dry run changes nothing and keeps nobody out."""
        return one_operator(self.aws, self.stack, operation, dry_run=dry_run)

    def client(self, service: str) -> Any:
        """A boto3 client of `service` in the stack's region."""
        return self.aws.client(service, region=self.stack.region)
