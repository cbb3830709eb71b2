"""Forms of Terraform's JSON: a state, and a stack as it is synthesised. Every key may be missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypedDict


class StateInstance(TypedDict, total=False):
    """One instance of a resource; `index_key` under count or for_each only."""

    index_key: str | int
    attributes: Mapping[str, object] | None
    dependencies: list[str]


class StateResource(TypedDict, total=False):
    """A resource or data source with its instances."""

    mode: str
    module: str
    type: str
    name: str
    provider: str
    instances: list[StateInstance]


class StateOutput(TypedDict, total=False):
    """An output's value; never to be shown where it is sensitive."""

    value: object
    sensitive: bool


class State(TypedDict, total=False):
    """A state in Terraform's format, version 4."""

    lineage: str
    serial: int
    resources: list[StateResource]
    outputs: dict[str, StateOutput]


class StackDocument(TypedDict, total=False):
    """The parts of a stack's Terraform JSON that a review needs."""

    resource: Mapping[str, Mapping[str, Mapping[str, object]]]
