"""The content of two databases, compared by their tables before one takes the place of the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from operations.errors import OperatorError

if TYPE_CHECKING:
    from operations.restore.database import Found

_NAMED = 5


@dataclass(frozen=True)
class TableContents:
    """Every table, as `schema.table`, and true when it has rows."""

    tables: Mapping[str, bool]

    @property
    def filled(self) -> set[str]:
        """The tables that have rows."""
        return {name for name, has_rows in self.tables.items() if has_rows}

    def __str__(self) -> str:
        return f"{len(self.tables)} tables, {len(self.filled)} of them with rows"


def comparison(name: str, contents: Callable[[Found], TableContents], new: Found, old: Found | None) -> str:
    """The content of `new`, called `name`, beside that of `old`.

    Raises OperatorError when `new` does not answer or has no row, unless `old` has none either.
    """
    held = contents(new)
    try:
        before = contents(old) if old is not None else None
    except OperatorError:  # that it does not answer may be the reason for all this
        before = None
    if not held.filled and (before is None or before.filled):
        raise OperatorError(
            f"{name} is empty: {held}. Nothing was switched.",
            hint="Give this restore up with --abandon, and try another source.",
        )
    if before is None:
        return f"{held}; the database of until now {'is gone' if old is None else 'does not answer'}"
    return f"{held}; until now: {before}{_missing(before.filled - held.filled)}"


def _missing(tables: set[str]) -> str:
    if not tables:
        return ""
    named = ", ".join(sorted(tables)[:_NAMED])
    return f"; {len(tables)} tables that have rows now would have none: {named}{' …' if len(tables) > _NAMED else ''}"
