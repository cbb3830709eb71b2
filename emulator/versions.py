"""Versions of database and cache engines: order, and the one that a release series stands for."""

from __future__ import annotations

import re
from collections.abc import Sequence


def resolve(asked: str, offered: Sequence[str]) -> str | None:
    """The newest of the offered versions, oldest first, that is the asked one or of its series; None when none is.

    >>> resolve("16", ["16.8", "16.15", "17.4"])
    '16.15'
    >>> resolve("16.6", ["16.8"])
    """
    fitting = [version for version in offered if version == asked or version.startswith(f"{asked}.")]
    return fitting[-1] if fitting else None


def newer(one: str, other: str) -> bool:
    """Tell whether one version is newer than another, as far as both say.

    >>> newer("16.8", "16.6"), newer("16.8", "16"), newer("8.4.10", "8.4.9")
    (True, False, True)
    """
    pairs = zip(_numbers(one), _numbers(other), strict=False)
    return next((ours > theirs for ours, theirs in pairs if ours != theirs), False)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", version)]
