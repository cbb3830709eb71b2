"""A committed stack as preflight reads it: what would be created, by type, with the names that are known before."""

from __future__ import annotations

import json
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, cast

from config.outputs import DeploymentOutputs
from operations.stacks import FILE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from operations.stacks import Stack

_Outputs = TypeVar("_Outputs", bound=DeploymentOutputs)


class PlannedDocument:
    """One stack's document."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.text = (stack.folder / FILE).read_text(encoding="utf-8")
        self._document: Mapping[str, Any] = json.loads(self.text)

    def of(self, *types: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Address and attributes of every resource of these types."""
        for kind in types:
            for name, body in self._document.get("resource", {}).get(kind, {}).items():
                yield f"{kind}.{name}", body

    def read(self, model: type[_Outputs]) -> _Outputs:
        """Outputs as they stand in the document: expressions where AWS or Terraform gives the value."""
        values = {name: output["value"] for name, output in self._document["output"].items()}
        return cast("_Outputs", model.model_construct(**values))

    def count(self, *types: str) -> int:
        """Number of the resources of these types."""
        return sum(1 for _ in self.of(*types))

    @cached_property
    def imported(self) -> frozenset[str]:
        """Addresses that Terraform takes over instead of creating them."""
        return frozenset(block["to"] for block in self._document.get("import", ()))

    @cached_property
    def zones(self) -> tuple[str, ...]:
        """Availability zones of the stack's own subnets; none in a network that is adopted."""
        return tuple(sorted({body["availability_zone"] for _, body in self.of("aws_subnet")}))

    @cached_property
    def instances(self) -> Mapping[str, int]:
        """EC2 instance type → most instances of it that run at once after a first apply."""
        found: dict[str, int] = {}
        templates = dict(self.of("aws_launch_template"))
        for _, group in self.of("aws_autoscaling_group"):
            reference = group["launch_template"]["id"].removeprefix("${").removesuffix(".id}")
            _add(found, templates[reference]["instance_type"], group["min_size"])
        for _, environment in self.of("aws_elastic_beanstalk_environment"):
            options = {option["name"]: option["value"] for option in environment["setting"]}
            _add(found, options["InstanceTypes"], int(options["MinSize"]))
        return found

    def mine(self, tags: Mapping[str, str]) -> bool:
        """True for tags that this stack gives to what it creates."""
        return tags.get("Deployment") == self.stack.deployment and tags.get("Environment") == self.stack.environment


def tags_of(pairs: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Tags as a mapping, from a list of them as AWS writes it."""
    return {pair["Key"]: pair.get("Value", "") for pair in pairs}


def literal(value: object) -> str | None:
    """The text, when it is known before an apply."""
    return value if isinstance(value, str) and "${" not in value else None


def _add(counts: dict[str, int], key: str, number: int) -> None:
    counts[key] = counts.get(key, 0) + number
