"""User data: a script in a file of its own, filled in with named values."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

_PLACEHOLDER = re.compile(r"@\{(?:file:(?P<file>[^{}]+)|(?P<name>[^{}]*))\}")
_READ_BY_TERRAFORM = re.compile(r"[$%]\{")
_ENDS_A_QUOTE = re.compile(r"""['"`\\\x00-\x1f\x7f]""")


def render(path: Path, **values: str) -> str:
    """The text of `path` with `@{name}` replaced by values and `@{file:other}` by the file of that name beside it.

    Files come in as they are: an `@{name}` in them is for later, for the machine itself. `$` needs no escaping; only
    `${` and `%{` are refused, because Terraform would read them as its own. Values may be attributes of resources; as
    they end up between quotes, those that could end one are refused. Raises ValueError, naming the file, for these
    and for names that only the template or only the caller has.
    """
    template = path.read_text()
    wanted = {match["name"] for match in _PLACEHOLDER.finditer(template) if match["file"] is None}
    if missing := wanted - values.keys():
        raise ValueError(f"{path} wants values that are not given: {_listed(missing)}; given: {_listed(values)}")
    if unknown := values.keys() - wanted:
        raise ValueError(f"{path} has no place for {_listed(unknown)}; it has {_listed(wanted)}")
    for name, value in values.items():
        if _ENDS_A_QUOTE.search(value):
            raise ValueError(f"{path}: the value of {name} may not hold quotes, backslashes or line ends: {value!r}")
    for file in (path, *(path.parent / match["file"] for match in _PLACEHOLDER.finditer(template) if match["file"])):
        _refuse_interpolation(file)

    def fill(match: re.Match[str]) -> str:
        return (
            values[match["name"]] if match["file"] is None else (path.parent / match["file"]).read_text().rstrip("\n")
        )

    return _PLACEHOLDER.sub(fill, template)


def _refuse_interpolation(path: Path) -> None:
    for number, line in enumerate(path.read_text().splitlines(), start=1):
        if found := _READ_BY_TERRAFORM.search(line):
            raise ValueError(
                f"{path}, line {number}: Terraform would read {found[0]} as its own; write $name: {line.strip()}"
            )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"@{{{name}}}" for name in sorted(names)) or "none"
