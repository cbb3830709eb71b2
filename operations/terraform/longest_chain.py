"""The longest chain of an apply: resources that each had to wait for the one before. No apply can be quicker."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from operations.terraform.documents import StackDocument, State
    from operations.terraform.terraform import Event


_WAITS_SECONDS: Mapping[str, float] = {
    "aws_db_instance": 80,
    "aws_lb": 60,
    "aws_s3_bucket_lifecycle_configuration": 55,
    "aws_cloudfront_distribution": 30,
    "aws_elasticache_cluster": 30,
    "aws_elasticache_replication_group": 30,
    "aws_rds_cluster": 30,
    "aws_rds_cluster_instance": 30,
    "aws_route53_record": 15,
    "aws_kms_key": 14,
    "aws_elastic_beanstalk_environment": 11,
    "aws_vpc": 11,
    "aws_ecs_cluster": 10,
    "aws_lambda_function": 10,
    "aws_nat_gateway": 10,
    "aws_launch_template": 5,
}
"""Seconds that provider 5.100.0 waits until a new resource is there, although AWS answers at once (a demo's logs,
2026-11-29). The order in which stacks begin is decided by them, and nothing else."""
_INTERPOLATED = re.compile(r"\$\{.*?\}")
_REFERENCE = re.compile(r"\baws_\w+\.[\w-]+")


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


def expected_chain(document: StackDocument) -> Chain:
    """The chain that will have to wait longest when the stack `document` is applied from nothing."""
    bodies = {(kind, name): body for kind, named in document["resource"].items() for name, body in named.items()}
    planned: State = {
        "resources": [
            {"mode": "managed", "type": kind, "name": name, "instances": [{"dependencies": _references(body)}]}
            for (kind, name), body in bodies.items()
        ]
    }
    return longest_chain({f"{kind}.{name}": _WAITS_SECONDS.get(kind, 0.0) for kind, name in bodies}, planned)


def _references(body: Mapping[str, object]) -> list[str]:
    texts = [*_INTERPOLATED.findall(json.dumps(body)), json.dumps(body.get("depends_on", []))]
    return sorted({address for text in texts for address in _REFERENCE.findall(text)})
