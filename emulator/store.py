"""State the emulator keeps beside moto's own, cleared together with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeAlias, TypeVar

from emulator.steady import SteadyDict

if TYPE_CHECKING:
    from moto.core.responses import BaseResponse

Key = TypeVar("Key")
Value = TypeVar("Value")

Record: TypeAlias = dict[str, Any]
"""One object as an AWS API returns it, members spelled as in that API."""


class Shelf(Generic[Key, Value]):
    """Objects of one kind, kept apart by account and region as AWS keeps them."""

    _all: ClassVar[list[Shelf[Any, Any]]] = []

    def __init__(self, service: str, kind: str, *, counted: bool = True) -> None:
        """`counted` is off for what belongs to other objects and is none itself, such as their tags."""
        self.service = service
        self.kind = kind
        self._counted = counted
        self._objects: dict[tuple[str, str], dict[Key, Value]] = {}
        Shelf._all.append(self)

    def of(self, account_id: str, region: str) -> dict[Key, Value]:
        """The objects of one account in one region; writable, empty when none was stored."""
        return self._objects.setdefault((account_id, region), SteadyDict())

    def at(self, response: BaseResponse) -> dict[Key, Value]:
        """The objects of the account and region a request is about."""
        return self.of(response.current_account, response.region)

    @staticmethod
    def clear_all() -> None:
        """Forget everything, as moto's reset does with moto's own state."""
        for shelf in Shelf._all:
            shelf._objects.clear()

    @staticmethod
    def census() -> list[tuple[str, str, str, str, int]]:
        """Counts of what is kept: (service, kind, account, region, how many), without empty entries."""
        return [
            (shelf.service, shelf.kind, account_id, region, len(objects))
            for shelf in Shelf._all
            for (account_id, region), objects in list(shelf._objects.items())
            if objects and shelf._counted
        ]
