"""The longest chain of an apply: resources that each had to wait for the one before. No apply can be quicker."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from operations.terraform.documents import State
    from operations.terraform.terraform import Event


@dataclass(frozen=True)
class Chain:
    """Addresses, each depending on the one before, and the seconds they took together."""

    addresses: tuple[str, ...] = ()
    seconds: float = 0.0


@dataclass
class Stopwatch:
    """How long Terraform worked on each resource; it hears Terraform's events."""

    clock: Callable[[], float] = time.monotonic
    seconds: dict[str, float] = field(default_factory=dict)
    """Seconds by address, of resources that are done."""
    _started: dict[str, float] = field(default_factory=dict)

    def hear(self, event: Event) -> None:
        """Take the time of an event. What is replaced is worked on twice, which counts together."""
        if event.kind == "started":
            self._started[event.address] = self.clock()
        elif event.kind == "done" and event.address in self._started:
            took = self.clock() - self._started.pop(event.address)
            self.seconds[event.address] = self.seconds.get(event.address, 0.0) + took


def longest_chain(seconds: Mapping[str, float], state: State) -> Chain:
    """The chain that took longest, with the dependencies that the state holds; empty when nothing took any time."""
    own: dict[str, float] = {}
    for address, took in seconds.items():
        resource = address.partition("[")[0]
        own[resource] = max(took, own.get(resource, 0.0))
    needs = {
        f"{resource['type']}.{resource['name']}": {
            needed for instance in resource.get("instances", []) for needed in instance.get("dependencies", ())
        }
        for resource in state.get("resources", [])
        if resource.get("mode") == "managed"
    }
    ending_at: dict[str, Chain] = {}

    def ending(resource: str) -> Chain:
        if resource not in ending_at:
            before = max(
                (ending(needed) for needed in sorted(needs.get(resource, ())) if needed in own),
                key=lambda chain: chain.seconds,
                default=Chain(),
            )
            ending_at[resource] = Chain((*before.addresses, resource), before.seconds + own[resource])
        return ending_at[resource]

    return max(map(ending, own), key=lambda chain: chain.seconds, default=Chain())
