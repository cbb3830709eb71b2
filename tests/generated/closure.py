"""Resources that Terraform creates before another, read from a committed stack."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

_REFERENCE = re.compile(r"\b(?P<address>aws_[a-z0-9_]+\.[A-Za-z0-9_-]+)")


@dataclass(frozen=True)
class Committed:
    """The resources of one stack, by address."""

    name: str
    resources: Mapping[str, Mapping[str, Any]]
    _closures: dict[str, frozenset[str]] = field(default_factory=dict)

    @staticmethod
    def of(name: str, document: Mapping[str, Any]) -> Committed:
        """The stack of this name, whose `cdk.tf.json` holds `document`."""
        named = document["resource"].items()
        return Committed(name, {f"{kind}.{role}": body for kind, roles in named for role, body in roles.items()})

    def of_kind(self, *kinds: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Address and body of every resource of these types."""
        return ((address, body) for address, body in self.resources.items() if address.partition(".")[0] in kinds)

    def references(self, value: object) -> set[str]:
        """The resources of this stack that a value refers to, in expressions or in depends_on."""
        return {found["address"] for found in _REFERENCE.finditer(json.dumps(value))} & self.resources.keys()

    @cached_property
    def _direct(self) -> Mapping[str, set[str]]:
        return {
            address: self.references({key: value for key, value in body.items() if key != "//"})
            for address, body in self.resources.items()
        }

    def before(self, address: str) -> frozenset[str]:
        """Every resource that Terraform creates before this one."""
        if address not in self._closures:
            found: set[str] = set()
            todo = [address]
            while todo:
                new = self._direct[todo.pop()] - found
                found |= new
                todo += new
            self._closures[address] = frozenset(found)
        return self._closures[address]
