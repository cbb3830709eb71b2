"""Dictionaries that can be read in one thread while another one changes them.

moto has no locks, and its services read each other's objects: a call of EC2 with a role's keys goes through the roles
of IAM, and failed with "dictionary changed size during iteration" when another call had just created one.
"""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import ItemsView, Iterator, KeysView
from typing import Any, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


class SteadyDict(dict[Key, Value]):
    """Goes through the entries there were when it was asked, copied without giving another thread its turn."""

    def __iter__(self) -> Iterator[Key]:
        return iter(list(super().__iter__()))

    def keys(self) -> KeysView[Key]:  # type: ignore[override]  # of a copy
        """The keys there are now."""
        return dict.fromkeys(self).keys()

    def values(self) -> list[Value]:  # type: ignore[override]  # has no more uses than a view's
        """The values there are now."""
        return list(super().values())

    def items(self) -> ItemsView[Key, Value]:  # type: ignore[override]  # of a copy
        """The keys and values there are now."""
        return dict(list(super().items())).items()


class SteadyOrderedDict(SteadyDict[Key, Value], OrderedDict[Key, Value]):  # type: ignore[misc]  # a view is of a copy
    """An `OrderedDict` that is read while it changes."""


class SteadyDefaultDict(SteadyDict[Key, Value], defaultdict[Key, Value]):
    """A `defaultdict` that is read while it changes; dictionaries that it makes are steady too."""


def steady(value: Any) -> Any:
    """A steady dictionary in the place of a `dict`, `OrderedDict` or `defaultdict`; everything else as it is.

    >>> roles = steady({"a": 1})
    >>> [roles.update({f"{name}'": 1}) or name for name in roles]
    ['a']
    >>> steady(None) is None
    True
    """
    if type(value) is dict:
        return SteadyDict(value)
    if type(value) is OrderedDict:
        return SteadyOrderedDict(value)
    if type(value) is defaultdict:
        return SteadyDefaultDict(SteadyDict if value.default_factory is dict else value.default_factory, value)
    return value


def install() -> None:
    """Keep in steady dictionaries, from now on, what moto's backends are given."""
    from moto.core.base_backend import BaseBackend

    backend: Any = BaseBackend
    backend.__setattr__ = _set_steady


def _set_steady(backend: object, name: str, value: object) -> None:
    object.__setattr__(backend, name, value if name == "__dict__" else steady(value))
