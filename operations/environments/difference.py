"""Differences between two environments of a deployment, in their settings and in their Terraform JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from config.environment import load_environment
from config.stack_settings import StackSettings, load_all
from operations.errors import OperatorError
from operations.stacks import FILE

if TYPE_CHECKING:
    from pathlib import Path

_METADATA = "//"
_LEFT_OUT = (_METADATA, "depends_on")
"""Notes of the synth, and an order that follows from which resources there are."""


@dataclass(frozen=True)
class Difference:
    """One place where two environments differ; None on the side that has nothing there."""

    deployment: str
    """Empty for what all deployments of an environment share."""
    key: str
    first: str | None
    second: str | None
    address: str = ""
    """The resource or block of the Terraform JSON; empty in settings."""


@dataclass
class Differences:
    """Those of two environments; `names` counts the values that differ by names and accounts of environments alone."""

    settings: list[Difference] = field(default_factory=list)
    documents: list[Difference] = field(default_factory=list)
    names: int = 0


def compare(root: Path, first: str, second: str, deployment: str | None = None, *, names: bool = False) -> Differences:
    """The differences, with `names` also where one value becomes the other by putting in the other's name and account.

    Raises OperatorError when neither has the deployment, or a stack of theirs is not under generated/.
    """
    folder = root / "config" / "environments"
    one, other = load_environment(first, folder), load_environment(second, folder)
    stacks = load_all(folder=root / "deployments", environments=folder)
    found = Differences()
    alike = _Alike((first, one.account_id), (second, other.account_id), found, keep=names)
    of = {
        (stack.deployment.name, stack.environment.name): stack
        for stack in stacks
        if stack.environment.name in (first, second)
        and deployment in (None, stack.deployment.name, stack.deployment.alias)
    }
    if not of:
        raise OperatorError(f"Neither {first} nor {second} has a deployment {deployment}.")
    if deployment is None:
        pairs = alike.different(one.model_dump(mode="json"), other.model_dump(mode="json"))
        found.settings += [Difference("", *pair) for pair in pairs]
    for name in dict.fromkeys(name for name, _ in of):
        left, right = of.get((name, first)), of.get((name, second))
        if left is None or right is None:
            found.settings.append(Difference(name, "", _presence(left), _presence(right)))
            continue
        pairs = alike.different(left.settings.model_dump(mode="json"), right.settings.model_dump(mode="json"))
        found.settings += [Difference(name, *pair) for pair in pairs]
        before, after = _document(root, left), _document(root, right)
        for address in sorted({*before, *after}):
            if address in before and address in after:
                pairs = alike.different(before[address], after[address])
                found.documents += [Difference(name, *pair, address=address) for pair in pairs]
            else:
                presence = _presence(address in before), _presence(address in after)
                found.documents.append(Difference(name, "", *presence, address=address))
    return found


class _Alike:
    """Compares values of two environments, each known by its name and account."""

    def __init__(self, first: Sequence[str], second: Sequence[str], found: Differences, *, keep: bool) -> None:
        self._found = found
        self._keep = keep
        self._first, self._second = (
            [re.compile(_WORD.format(re.escape(part))) for part in side] for side in (first, second)
        )

    def different(self, first: Any, second: Any, path: str = "") -> Iterator[tuple[str, str | None, str | None]]:
        """Path, and both values as text, of every leaf that differs."""
        if isinstance(first, Mapping) and isinstance(second, Mapping):
            for key in sorted({*first, *second}):
                if key not in _LEFT_OUT:
                    inner = f"{path}.{key}" if path else str(key)
                    yield from self.different(first.get(key), second.get(key), inner)
        elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
            for index, (left, right) in enumerate(zip(first, second, strict=True)):
                yield from self.different(left, right, f"{path}[{index}]")
        elif first != second:
            named = self._without(first, self._first) == self._without(second, self._second)
            self._found.names += named
            if self._keep or not named:
                yield path, _text(first), _text(second)

    def _without(self, value: Any, own: Sequence[re.Pattern[str]]) -> str:
        text = _text(value) or ""
        for number, part in enumerate(own):
            text = part.sub(f"\0{number}", text)
        return text


_WORD = "(?<![A-Za-z0-9]){}(?![A-Za-z0-9])"


def _document(root: Path, stack: StackSettings) -> dict[str, Any]:
    """Address → block of a stack's Terraform JSON. Raises OperatorError."""
    file = root / "generated" / "stacks" / stack.stack_name / FILE
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OperatorError(f"{file} cannot be read: {error}.", hint="Write it with: make synth") from None
    blocks: dict[str, Any] = {}
    for kind, content in document.items():
        if kind == "resource":
            blocks |= {f"{type_}.{name}": body for type_, named in content.items() for name, body in named.items()}
        elif kind in ("output", "variable", "data"):
            blocks |= {f"{kind}.{name}": body for name, body in content.items()}
        elif kind != _METADATA:
            blocks[kind] = content
    return blocks


def _presence(side: object) -> str | None:
    return "present" if side else None


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)
