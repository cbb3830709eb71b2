"""One property to restore: what was found, what is wanted, and what makes it so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator


@dataclass(frozen=True)
class Item:
    """One property of something in AWS: how it was found, how it is wanted, and what makes it so."""

    name: str
    found: str
    wanted: str
    mend: Callable[[], None] | None
    """None when it is as wanted."""


@dataclass(frozen=True)
class SettledItem:
    """An item as reported: `done` is empty when nothing was to do."""

    name: str
    found: str
    wanted: str
    done: str


def settle(items: Iterable[Item], *, dry_run: bool) -> Iterator[SettledItem]:
    """Mend what is not as wanted, or only say so.

    An item is mended before the next one is looked at: a bucket must exist before its versioning can be read.
    """
    for item in items:
        if item.mend is None:
            yield SettledItem(item.name, item.found, item.wanted, "")
        elif dry_run:
            yield SettledItem(item.name, item.found, item.wanted, "would be done")
        else:
            item.mend()
            yield SettledItem(item.name, item.found, item.wanted, "done")
