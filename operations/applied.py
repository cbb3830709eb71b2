"""Applied stacks: the values of their outputs, read from the state."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from config.outputs import DeploymentOutputs
from operations.aws import Aws, check_account, refusals_explained
from operations.errors import OperatorError
from operations.stacks import find_stacks, only

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from operations.stacks import Stack

_Outputs = TypeVar("_Outputs", bound=DeploymentOutputs)


@dataclass(frozen=True)
class Applied:
    """An applied stack with the values of its outputs; a DeploymentOutputs alone reads them."""

    stack: Stack
    values: Mapping[str, Any]

    def read(self, model: type[_Outputs]) -> _Outputs:
        """The outputs as `model`, without those that only a later version has.

        Raises OperatorError when the stack was applied before it had one of them.
        """
        known = {name: self.values[name] for name in model.model_fields if name in self.values}
        try:
            return model.model_validate(known)
        except ValidationError as error:
            names = ", ".join(str(problem["loc"][0]) for problem in error.errors())
            raise OperatorError(
                f"The state of {self.stack.name} has no output {names}: it was applied by an earlier version.",
                hint=f"Apply generated/stacks/{self.stack.name} again.",
            ) from None


def find_applied(root: Path, deployment: str, environment: str, aws: Aws) -> Applied:
    """The applied stack of a deployment in an environment; sensitive outputs are left out, for nobody to print.

    Outputs are read from the state object in S3 and not by way of Terraform, which would have to fetch and link its
    provider first. Raises OperatorError when there is no such stack, it was not applied yet, its state is not in S3, or
    the credentials are for another account than the environment's.
    """
    stack = only(find_stacks(root), f"{deployment}-{environment}")
    if stack.backend is None:
        raise OperatorError(
            f"{stack.name} keeps its state in HCP Terraform, not in S3, where this command reads its outputs.",
            hint="Its workspace shows the outputs.",
        )
    with refusals_explained():
        check_account(aws, stack.account_id, region=stack.region)
        s3 = aws.client("s3", region=stack.backend.region)
        place = f"s3://{stack.backend.bucket}/{stack.backend.key}"
        try:
            found = s3.get_object(
                Bucket=stack.backend.bucket, Key=stack.backend.key, ExpectedBucketOwner=stack.account_id
            )
            content = found["Body"].read()
        except (s3.exceptions.NoSuchKey, s3.exceptions.NoSuchBucket):
            content = b"{}"
    try:
        values = {
            name: output["value"]
            for name, output in json.loads(content).get("outputs", {}).items()
            if not output.get("sensitive")
        }
    except (ValueError, AttributeError, KeyError, TypeError):
        raise OperatorError(f"{place} is not a state of Terraform.") from None
    if not values:
        raise OperatorError(
            f"{stack.name} is not applied: there are no outputs in {place}.",
            hint=f"Apply generated/stacks/{stack.name} first. What is applied: quintet state status {environment}",
        )
    return Applied(stack, values)
