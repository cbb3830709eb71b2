"""The resources of an applied stack, read from its state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.aws import Aws, check_account
from operations.errors import OperatorError
from operations.state.difference import resources_of
from operations.state.status import current_state

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from operations.stacks import Stack
    from operations.terraform.documents import State


@dataclass(frozen=True)
class AppliedStack:
    """A stack with the attributes of everything that its state manages, and with its outputs."""

    stack: Stack
    aws: Aws
    resources: Mapping[str, Mapping[str, Any]]
    outputs: Mapping[str, Any]
    """Values of outputs that are not sensitive."""

    @classmethod
    def read(cls, stack: Stack, aws: Aws) -> AppliedStack:
        """Read the state.

        Raises OperatorError when it is not in S3, when there is none, and for credentials of another account.
        """
        state = current_state_of(stack, aws)
        if not state:
            raise OperatorError(
                f"{stack.name} is not applied: there is no state in s3://{stack.state.bucket}/{stack.state.key}.",
                hint=f"Plan it: quintet plan {stack.name}",
            )
        return cls(stack, aws, resources_of(state), plain_outputs(state))

    def client(self, service: str) -> Any:
        """A boto3 client in the stack's region."""
        return self.aws.client(service, region=self.stack.region)

    def of_type(self, *types: str) -> Mapping[str, Mapping[str, Any]]:
        """Attributes of the resources of these types, by address."""
        return {address: found for address, found in self.resources.items() if address.partition(".")[0] in types}

    def names(self, resource_type: str, attribute: str = "name") -> Sequence[str]:
        """One attribute of every resource of a type, sorted."""
        return sorted(str(found[attribute]) for found in self.of_type(resource_type).values())


def current_state_of(stack: Stack, aws: Aws) -> State:
    """The stack's state; empty when it was never applied. Raises OperatorError as AppliedStack.read does."""
    place = stack.state
    check_account(aws, stack.account_id, region=place.region)
    return current_state(aws, stack)


def plain_outputs(state: State) -> dict[str, Any]:
    """Values of the outputs of a state that are not sensitive."""
    return {name: each["value"] for name, each in state.get("outputs", {}).items() if not each.get("sensitive")}
