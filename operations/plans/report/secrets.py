"""Sensitive values of a plan, masked wherever they stand again, marked or not."""

from __future__ import annotations

import base64
import html
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from urllib.parse import quote, quote_plus

from operations.plans.plan_document import Change
from operations.plans.report.safe_text import visible

SENSITIVE = "(sensitive)"
SHORTEST_PART = 6
"""Characters; a shorter secret inside a longer text is too likely to be there by chance."""
_SHORTEST_NUMBER = 4
"""Digits from which a number that equals a sensitive one is masked."""


class Masked(str):
    """Text that stands for a value."""

    __slots__ = ()


MASK = Masked(SENSITIVE)


class Secrets:
    """The sensitive values of a plan, which may stand elsewhere in it without being marked.

    The AWS provider copies `tags` to `tags_all` and forgets that one of them was sensitive; scripts have passwords
    rendered into them. So a value that is sensitive anywhere is masked everywhere: as it is, escaped in JSON,
    URL-encoded, in base64 or hexadecimal, between quotes of a shell, YAML, SQL or HTML, as a number or a key; so are
    the values in a sensitive JSON text and the lines of a sensitive script.
    """

    def __init__(self, changes: Iterable[Change]) -> None:
        values = {
            value
            for change in changes
            for tree, marks in ((change.before, change.before_sensitive), (change.after, change.after_sensitive))
            for value in _sensitive_values(tree, marks)
        }
        pieces = {piece for value in values for piece in _pieces(value)}
        forms = {form for piece in pieces if len(piece) >= SHORTEST_PART for form in _forms(piece)}
        self._whole = frozenset(values | {piece for piece in pieces if len(piece) >= SHORTEST_PART})
        self._parts: dict[str, list[str]] = defaultdict(list)
        for form in sorted(forms, key=lambda form: (-len(form), form)):
            if len(form) >= SHORTEST_PART:
                self._parts[form[:SHORTEST_PART]].append(form)

    @property
    def values(self) -> frozenset[str]:
        """The values themselves."""
        return self._whole

    def masked(self, value: object) -> object:
        """`value` with every sensitive text, number and key in it masked."""
        if not self._whole:
            return value
        if isinstance(value, dict):
            return {self.part_masked(name): self.masked(item) for name, item in value.items()}
        if isinstance(value, list):
            return [self.masked(item) for item in value]
        if isinstance(value, bool | Masked):
            return value
        if isinstance(value, int | float):
            return MASK if str(value) in self._whole and len(str(value)) >= _SHORTEST_NUMBER else value
        if value in self._whole:
            return MASK
        return self.part_masked(value) if isinstance(value, str) else value

    def text(self, text: str, *, lines: bool = False) -> str:
        """A text of the plan, fit to be shown, in one line unless `lines`."""
        return visible(self.part_masked(text), lines=lines)

    def part_masked(self, text: str) -> str:
        """`text` with a mask in place of each sensitive part."""
        if not self._parts:
            return text
        found, kept, place = [], 0, 0
        while place <= len(text) - SHORTEST_PART:
            for part in self._parts.get(text[place : place + SHORTEST_PART], ()):
                if text.startswith(part, place):
                    found += [text[kept:place], SENSITIVE]
                    kept = place = place + len(part)
                    break
            else:
                place += 1
        return "".join((*found, text[kept:])) if found else text


def _sensitive_values(value: object, marks: object) -> Iterator[str]:
    if not marks:
        return
    if marks is True:
        yield from _values(value)
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from _sensitive_values(item, part_of(marks, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _sensitive_values(item, part_of(marks, index))


def _values(value: object) -> Iterator[str]:
    if isinstance(value, str) and value:
        yield value
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _values(item)


def part_of(tree: object, step: str | int) -> object:
    """The part of a tree of marks that stands for an attribute or an element."""
    if isinstance(tree, dict):
        return tree.get(str(step))
    if isinstance(tree, list) and isinstance(step, int) and step < len(tree):
        return tree[step]
    return None


def _pieces(text: str) -> Iterator[str]:
    """The text, the values in it when it is JSON, and its lines."""
    yield text
    if text.lstrip().startswith(("{", "[", '"')):
        with suppress(ValueError, RecursionError):
            yield from _values(json.loads(text))
    if "\n" in text:
        yield from (line.strip() for line in text.splitlines())


def _forms(text: str) -> Iterator[str]:
    """The text as it stands in other texts."""
    yield text
    once = {*_in_json(text)}
    yield from once
    for form in once:
        yield from _in_json(form)
    for form in (
        quote(text, safe="", errors="replace"),
        quote(text, errors="replace"),
        quote_plus(text, errors="replace"),
    ):
        yield form
        yield re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), form)
    yield html.escape(text)
    yield text.replace("'", "'\\''")  # between the quotes of a shell
    yield text.replace("'", "''")  # of YAML and SQL
    octets = text.encode("utf-8", errors="replace")
    yield octets.hex()
    for offset in range(3):  # base64 of a longer text holds it at one of three offsets
        encoded = base64.b64encode(bytes(offset) + octets).decode()
        core = encoded[-(-8 * offset // 6) : 8 * (offset + len(octets)) // 6]
        yield core
        yield core.replace("+", "-").replace("/", "_")


def _in_json(text: str) -> Iterator[str]:
    """The text inside a JSON string; Terraform's own `jsonencode` escapes angles and `&` besides."""
    for ascii_only in (True, False):
        escaped = json.dumps(text, ensure_ascii=ascii_only)[1:-1]
        yield escaped
        yield escaped.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
