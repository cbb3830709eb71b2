"""A call that is to be judged: the action, the resource, the caller, and what is known about the circumstances."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from iam.errors import UndecidedError

_VALUE = str | tuple[str, ...] | None


@dataclass(frozen=True)
class Principal:
    """The caller: an ARN of a user or role, or the name of a service such as `logs.amazonaws.com`."""

    name: str
    account_id: str = ""
    """Empty for services."""
    session_arn: str = ""
    """ARN of the session, where a role was assumed."""

    @property
    def is_service(self) -> bool:
        """Tell whether it is a service of AWS."""
        return not self.account_id

    @property
    def names(self) -> frozenset[str]:
        """Names that stand for this caller alone."""
        return frozenset({self.name, self.session_arn} - {""})

    @property
    def account_names(self) -> frozenset[str]:
        """Names that stand for the caller's whole account."""
        return frozenset() if self.is_service else frozenset({self.account_id, f"arn:aws:iam::{self.account_id}:root"})


@dataclass(frozen=True)
class Context:
    """Condition keys that the request decides: a text, several (multi-valued keys), or None for a key it lacks.

    A key that does not stand here is undecided: a condition on it is an error and never an allow. A key that ends with
    `/*` decides all that begin so, as None: `aws:ResourceTag/*` says that all tags stand here.

    >>> Context({"aws:SourceVpc": None, "aws:ResourceTag/*": None, "aws:ResourceTag/a": "b"}).value("AWS:ResourceTag/c")
    """

    values: Mapping[str, _VALUE] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", {key.lower(): value for key, value in self.values.items()})

    def value(self, key: str) -> _VALUE:
        """The value of a key in any case; raises UndecidedError for a key that the request does not decide."""
        key = key.lower()
        if key in self.values:
            return self.values[key]
        if f"{key.partition('/')[0]}/*" in self.values:
            return None
        raise UndecidedError(f"the request does not decide the condition key {key}")

    def with_values(self, values: Mapping[str, _VALUE]) -> Context:
        """The same context with more keys."""
        return Context({**self.values, **{key.lower(): value for key, value in values.items()}})


@dataclass(frozen=True)
class Request:
    """One call: `action` is `service:Name`, `resource` an ARN, or `*` for actions that know no resources."""

    action: str
    resource: str
    principal: Principal
    context: Context = field(default_factory=Context)


_VARIABLE = re.compile(r"\$\{\s*([^},]+?)\s*(?:,\s*'([^']*)'\s*)?\}")
_ESCAPED = {"*": "*", "?": "?", "$": "$"}
_LITERAL = str.maketrans({"*": "\N{START OF TEXT}", "?": "\N{END OF TEXT}"})


def literal(text: str) -> str:
    """A text in which `*` and `?` do not count as wildcards; compare it with `literal(value)` on the other side."""
    return text.translate(_LITERAL)


def substituted(pattern: str, context: Context) -> str | None:
    """The pattern with values in place of its variables; None when one has no value and no default.

    Wildcards in values do not count: they come out as `literal`.
    """
    missing = False

    def value_of(match: re.Match[str]) -> str:
        nonlocal missing
        name, default = match.groups()
        if name in _ESCAPED:
            return literal(_ESCAPED[name])
        value = context.value(name)
        if isinstance(value, tuple):
            raise UndecidedError(f"the policy variable {match.group()} has several values")
        missing = missing or (value is None and default is None)
        return literal(value if value is not None else default or "")

    done = _VARIABLE.sub(value_of, pattern)
    return None if missing else done
