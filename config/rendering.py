"""Text inside another language: one renderer for each, so that what operators set never becomes code.

Each renders what stands between the quotes that the text around it writes, and leaves harmless text as it is. What a
language cannot hold is refused with a ValueError. For a whole word of a shell there is `shlex.quote`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TypeVar, cast

from pydantic import BaseModel

T = TypeVar("T")

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9 _.,:/@+=!-]")


def plain(text: str) -> str:
    """Text for a place whose language nobody named: letters, digits, spaces and _.,:/@+=!- only.

    >>> plain("eu-central-1")
    'eu-central-1'
    """
    return _refuse(_NOT_PLAIN, text, "name the language it stands in, such as @{json:name} or @{shell:name}")


def terraform(text: str) -> str:
    """A string of Terraform's JSON, of a template and of an expression, none of which then evaluates it.

    >>> terraform("${file(1)} costs 5 $, %{if true}")
    '$${file(1)} costs 5 $, %%{if true}'
    """
    return text.replace("${", "$${").replace("%{", "%%{")


def not_evaluated(value: T) -> T:
    """A copy of settings, or of a part of them, whose texts Terraform takes as they are."""
    found: object = value
    if isinstance(value, str):
        found = terraform(value)
    elif isinstance(value, BaseModel):
        found = value.model_construct(**{name: not_evaluated(part) for name, part in value})
    elif isinstance(value, tuple):
        found = tuple(not_evaluated(part) for part in value)
    elif isinstance(value, Mapping):
        found = {not_evaluated(key): not_evaluated(part) for key, part in value.items()}
    return cast("T", found)


def json_string(text: str) -> str:
    r"""Between the double quotes of JSON, and so of TOML and YAML.

    >>> json_string('a"b\\c')
    'a\\"b\\\\c'
    """
    return json.dumps(text, ensure_ascii=False)[1:-1].replace("\x7f", "\\u007f")


def shell(text: str) -> str:
    """Between the single quotes of a shell, as `shlex.quote` writes it.

    >>> print(shell("it's $HOME"))
    it'"'"'s $HOME
    """
    return _refuse(re.compile("\0"), text, "a shell holds no NUL").replace("'", "'\"'\"'")


def ini(text: str) -> str:
    """A value of an INI file as Python's ConfigParser reads it, interpolation and comments included.

    >>> ini("100%")
    '100%%'
    """
    _refuse(_CONTROL, text, "a value of an INI file is one line")
    _refuse(re.compile(r"^\s|\s$|(^|\s)[;#]"), text, "an INI file cuts blanks at its ends and comments off")
    return text.replace("%", "%%")


def php(text: str) -> str:
    r"""Between the single quotes of PHP.

    >>> print(php("it's a \\"))
    it\'s a \\
    """
    return text.replace("\\", "\\\\").replace("'", "\\'")


def sql(text: str) -> str:
    """Between the single quotes of SQL; a backslash is refused, as MySQL and PostgreSQL read it differently.

    >>> sql("it's")
    "it''s"
    """
    return _refuse(re.compile(r"[\\\x00]"), text, "not every server reads it alike").replace("'", "''")


def sql_name(name: str, quote: str = '"') -> str:
    """A table's, column's or user's name with its quotes; MySQL's `quote` is the backtick.

    >>> sql_name('odd"name'), sql_name("odd`name", "`")
    ('"odd""name"', '`odd``name`')
    """
    return quote + _refuse(re.compile("\0"), name, "no name holds it").replace(quote, quote * 2) + quote


def nginx(text: str) -> str:
    r"""Between the double quotes of nginx's configuration, which reads `$` as the begin of a variable everywhere.

    >>> nginx('a"b')
    'a\\"b'
    """
    _refuse(re.compile(r"[$\x00-\x1f\x7f]"), text, "nginx's configuration cannot hold it")
    return text.replace("\\", "\\\\").replace('"', '\\"')


LANGUAGES: Mapping[str, Callable[[str], str]] = {
    "json": json_string,
    "shell": shell,
    "ini": ini,
    "php": php,
    "sql": sql,
    "nginx": nginx,
}
"""The languages that a template's placeholder may name."""


def _refuse(pattern: re.Pattern[str], text: str, why: str) -> str:
    if found := pattern.search(text):
        raise ValueError(f"{text!r} holds {found[0]!r}: {why}")
    return text
