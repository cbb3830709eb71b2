"""User data: a script in a file of its own, filled in with named values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from config.rendering import LANGUAGES, plain, terraform

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

_PLACEHOLDER = re.compile(r"@\{(?:file:(?P<file>[^{}]+)|(?:(?P<language>[a-z]+):)?(?P<name>[^{}:]*))\}")
_READ_BY_TERRAFORM = re.compile(r"[$%]\{")
_EXPRESSION = re.compile(r"(?<!\$)\$\{[^{}]*\}")
_ESCAPED = re.compile(r"([$%])\1\{")
_NO_ARGUMENT = re.compile(r"""["\\$\x00-\x1f\x7f]|%\{""")
"""Text that cdktf does not pass to a function of Terraform as it is."""


def render(path: Path, **values: str) -> str:
    """The text of `path`, for Terraform's JSON, with placeholders replaced by values or files.

    `@{name}` takes plain text only; `@{json:name}` and the other languages of `config.rendering` take any text and
    render it to stand between the quotes of that language. `@{file:other}` is the file of that name beside it: files
    come in as they are, an `@{name}` in them is for later, for the machine itself. `$` needs no escaping; only `${` and
    `%{` are refused, because Terraform would read them as its own. What is known only when Terraform applies is an
    attribute of AWS's, and the text around it must be plain. Raises ValueError, naming the file, for these and for
    names that only the template or only the caller has.
    """
    return _filled(path, values, lambda value, _: value.text)


def template(path: Path, **values: str) -> tuple[str, Mapping[str, str]]:
    """As `render`, for `templatefile`: the text with `${name}` in places, and the values that Terraform puts there.

    Text that cannot be passed to a function without change stands in the text itself. Raises ValueError as `render`.
    """
    passed: set[str] = set()

    def place(value: _Value, name: str) -> str:
        if not value.is_argument:
            return value.text
        passed.add(name)
        return f"${{{name}}}"

    text = _filled(path, values, place)
    return text, {name: value for name, value in values.items() if name in passed}


@dataclass(frozen=True)
class _Value:
    """A value in its place: the text that Terraform reads there."""

    text: str
    is_argument: bool
    """Passed to a function of Terraform, the value is the same text."""


def _filled(path: Path, values: Mapping[str, str], place: Callable[[_Value, str], str]) -> str:
    text = path.read_text(encoding="utf-8")
    wanted = {match["name"] for match in _PLACEHOLDER.finditer(text) if match["file"] is None}
    if missing := wanted - values.keys():
        raise ValueError(f"{path} wants values that are not given: {_listed(missing)}; given: {_listed(values)}")
    if unknown := values.keys() - wanted:
        raise ValueError(f"{path} has no place for {_listed(unknown)}; it has {_listed(wanted)}")
    for file in (path, *(path.parent / match["file"] for match in _PLACEHOLDER.finditer(text) if match["file"])):
        _refuse_interpolation(file)

    def fill(match: re.Match[str]) -> str:
        if match["file"] is not None:
            return (path.parent / match["file"]).read_text(encoding="utf-8").rstrip("\n")
        try:
            return place(_in_language(match["language"], values[match["name"]]), match["name"])
        except ValueError as error:
            raise ValueError(f"{path}: the value of {match[0]} cannot stand there: {error}") from None

    return _PLACEHOLDER.sub(fill, text)


def _in_language(language: str | None, value: str) -> _Value:
    if language is not None and language not in LANGUAGES:
        raise ValueError(f"{language} is no language of templates; these are: {', '.join(LANGUAGES)}")
    if _EXPRESSION.search(value):
        plain(_EXPRESSION.sub("", value))
        return _Value(value, is_argument=True)
    given = _ESCAPED.sub(r"\1{", value)
    rendered = (LANGUAGES[language] if language else plain)(given)
    return _Value(terraform(rendered), is_argument=rendered == given and not _NO_ARGUMENT.search(given))


def _refuse_interpolation(path: Path) -> None:
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if found := _READ_BY_TERRAFORM.search(line):
            raise ValueError(
                f"{path}, line {number}: Terraform would read {found[0]} as its own; write $name: {line.strip()}"
            )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"@{{{name}}}" for name in sorted(names)) or "none"
