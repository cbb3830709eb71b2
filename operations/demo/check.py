"""A check of a deployment's data plane once it is applied."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from config.outputs import DeploymentOutputs

if TYPE_CHECKING:
    from operations.applied import Applied
    from operations.aws import Aws
    from operations.stacks import Stack

_Outputs = TypeVar("_Outputs", bound=DeploymentOutputs)


class CheckFailedError(Exception):
    """A check found that the deployment does not do what it should; the message says what."""


@dataclass(frozen=True)
class CheckContext:
    """An applied stack, and how to reach the AWS it was applied to."""

    applied: Applied
    aws: Aws

    @property
    def stack(self) -> Stack:
        """The stack."""
        return self.applied.stack

    def read(self, model: type[_Outputs]) -> _Outputs:
        """The outputs of the deployment. Raises OperatorError when one of them is missing."""
        return self.applied.read(model)

    def client(self, service: str) -> Any:
        """A boto3 client of `service` in the stack's region and account."""
        return self.aws.client(service, region=self.stack.region)


@dataclass(frozen=True)
class Check:
    """One thing to try on an applied stack.

    `run` returns what it saw, in a few words; it raises CheckFailedError with the reason otherwise.
    """

    name: str
    run: Callable[[CheckContext], str]


def expect(condition: object, reason: str) -> None:
    """Raises CheckFailedError with `reason` unless `condition` holds."""
    if not condition:
        raise CheckFailedError(reason)
