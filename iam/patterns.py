"""Patterns of IAM: `*` stands for any run of characters, `?` for one, and policy variables for values of a request."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_FRESH = "\N{NULL}"
"""A character that no pattern holds: it stands for every character that a pattern does not name."""


def matches(pattern: str, text: str) -> bool:
    """Tell whether the whole text fits the pattern; case counts, so lower both where AWS ignores it.

    >>> matches("arn:aws:s3:::logs/*", "arn:aws:s3:::logs/2026/a.gz"), matches("s3:Get?bject", "s3:GetXbject")
    (True, True)
    """
    return bool(_compiled(pattern).match(text))


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(_expression(pattern), re.DOTALL)


def _expression(pattern: str) -> str:
    parts = (".*" if sign == "*" else "." if sign == "?" else re.escape(sign) for sign in pattern)
    return "".join(parts) + r"\Z"


def names_action(patterns: tuple[str, ...], action: str) -> bool:
    """Tell whether the action fits one of the patterns; case does not count.

    >>> names_action(("s3:Get*", "SQS:*"), "sqs:SendMessage"), names_action((), "sqs:SendMessage")
    (True, False)
    """
    return bool(patterns) and bool(_compiled_together(patterns).match(action.lower()))


@lru_cache(maxsize=4096)
def _compiled_together(patterns: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(_expression(pattern.lower()) for pattern in patterns), re.DOTALL)


def covers(wide: Iterable[str], narrow: str) -> bool:
    """Tell whether every text that fits `narrow` fits one of `wide`.

    >>> covers(["*?"], "?*"), covers(["s3:Get*"], "s3:*"), covers(["a*", "?"], "?")
    (True, False, True)
    """
    return not _escapes(narrow, tuple(wide))


def overlap(patterns: Iterable[str], other: str) -> bool:
    """Tell whether some text fits both `other` and one of the patterns.

    >>> overlap(["iam:*"], "*:PassRole"), overlap(["iam:*"], "s3:*")
    (True, False)
    """
    return any(_share(pattern, other) for pattern in patterns)


@lru_cache(maxsize=4096)
def _share(one: str, other: str) -> bool:
    """Search for a text of both patterns, sign by sign; a `*` takes the next sign of the other pattern, or ends."""
    todo, seen = [(0, 0)], {(0, 0)}
    while todo:
        here, there = todo.pop()
        left, right = one[here : here + 1], other[there : there + 1]
        if not left and not right:
            return True
        steps = set()
        if "*" in (left, right):
            steps = {(here + len(left), there), (here, there + len(right))} - seen
        elif left == right or (left and right and "?" in (left, right)):
            steps = {(here + 1, there + 1)} - seen
        todo += steps
        seen |= steps
    return False


@lru_cache(maxsize=4096)
def _escapes(narrow: str, wide: tuple[str, ...]) -> bool:
    """Search for a text of `narrow` that none of the patterns matches.

    Both sides are read as automata, side by side: `narrow` one place at a time, `wide` in all places at once.
    """
    start = _settled({(index, 0) for index in range(len(wide))}, wide)
    todo, seen = [(0, start)], {(0, start)}
    while todo:
        place, places = todo.pop()
        rest = narrow[place:].lstrip("*")
        if not rest and not any(at == len(wide[index]) for index, at in places):
            return True
        signs = {wide[index][at] for index, at in places if at < len(wide[index])} | {*rest[:1]}
        for sign in signs - {"*", "?"} | {_FRESH}:
            then = _settled(
                {
                    (index, at if wide[index][at] == "*" else at + 1)
                    for index, at in places
                    if at < len(wide[index]) and wide[index][at] in ("*", "?", sign)
                },
                wide,
            )
            for following in _after(narrow, place, sign):
                if (following, then) not in seen:
                    seen.add((following, then))
                    todo.append((following, then))
    return False


def _after(pattern: str, place: int, sign: str) -> Iterable[int]:
    while place < len(pattern):
        if pattern[place] in ("?", sign):
            yield place + 1
        if pattern[place] != "*":
            return
        yield place
        place += 1


def _settled(places: set[tuple[int, int]], patterns: tuple[str, ...]) -> frozenset[tuple[int, int]]:
    """The places with those that a `*` reaches by standing for nothing."""
    found = set(places)
    for index, place in places:
        while place < len(patterns[index]) and patterns[index][place] == "*":
            place += 1
            found.add((index, place))
    return frozenset(found)
