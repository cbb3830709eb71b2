"""Refusal of a state that is not the stack's: another stack's, another region's, or one left at another key."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from operations.errors import OperatorError
from operations.state.status import current_state, read_document, state_content

if TYPE_CHECKING:
    from operations.aws import Aws
    from operations.stacks import Stack
    from operations.terraform.documents import State


def former_place(stack: Stack) -> Stack:
    """The stack with its state where it was before keys began with the environment."""
    return replace(stack, backend=replace(stack.state, key=f"{stack.deployment}/terraform.tfstate"))


def owner_of(state: State) -> tuple[str, str] | None:
    """Deployment and environment by the tags of what the state knows; None where no tag says it."""
    tags = [tags for attributes in _attributes(state) if isinstance(tags := attributes.get("tags_all"), dict)]
    owners = Counter(
        (str(tag["Deployment"]), str(tag["Environment"])) for tag in tags if {"Deployment", "Environment"} <= tag.keys()
    )
    return owners.most_common(1)[0][0] if owners else None


def left_at_former_place(aws: Aws, stack: Stack) -> bool:
    """True when the former key holds a state that is this stack's, or that nobody's tags claim."""
    state = current_state(aws, former_place(stack))
    return bool(state.get("resources")) and owner_of(state) in (None, (stack.deployment, stack.environment))


def refuse_foreign_state(stack: Stack, state: State) -> None:
    """Raises OperatorError when the resources in `state` are another stack's, or all in another region."""
    owner = owner_of(state)
    if owner not in (None, (stack.deployment, stack.environment)):
        raise OperatorError(
            f"{stack.name}: its state belongs to {'-'.join(owner or ())}; this plan would replace what that stack has.",
            hint="Give the stack a state of its own: state.bucket in config/environments, or the environment's name.",
        )
    regions = Counter(region for attributes in _attributes(state) if (region := _region(attributes)))
    if regions and stack.region not in regions:
        (region, number), *_ = regions.most_common(1)
        raise OperatorError(
            f"{stack.name}: its state knows {number} resources in {region}; the stack is for {stack.region} now. This"
            " plan would leave them running, unknown to any state.",
            hint=(
                f"To stay, set the region back. To build it in {stack.region} as well, add an environment for it. To"
                f" move, destroy it where it is first: quintet destroy {stack.name}, with the region set back."
            ),
        )


def refuse_missing_state(aws: Aws, stack: Stack) -> None:
    """Raises OperatorError when Terraform sees no state although there is one: of 0 bytes, or at the former key."""
    content = state_content(aws, stack)
    if content is not None and (problem := read_document(content)[1]):
        raise OperatorError(
            f"{stack.name}: the state s3://{stack.state.bucket}/{stack.state.key} is of no use: {problem}.",
            hint=f"Restore a version that is sound: quintet state versions {stack.name}",
        )
    if content is None and left_at_former_place(aws, stack):
        raise OperatorError(
            f"{stack.name}: its state is still at s3://{stack.state.bucket}/{former_place(stack).state.key}.",
            hint=f"Move it: quintet state move {stack.name}",
        )


def _attributes(state: State) -> Iterator[Mapping[str, object]]:
    for resource in state.get("resources", []):
        # Other providers, and those for a second region, say nothing of the stack's own.
        if resource.get("mode") == "managed" and str(resource.get("provider", "")).endswith('hashicorp/aws"]'):
            for instance in resource.get("instances", []):
                yield instance.get("attributes") or {}


def _region(attributes: Mapping[str, object]) -> str:
    """The region in the resource's ARN; empty for none, and for what is global."""
    parts = str(attributes.get("arn") or "").split(":")
    return parts[3] if len(parts) > 5 else ""
