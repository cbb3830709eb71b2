"""Registration of rules by the calls that they look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from emulator.call import Call
    from emulator.facts import Facts

Rule: TypeAlias = "Callable[[Call], None]"
"""Raises Refusal when AWS refuses the call."""
FactRule: TypeAlias = "Callable[[Call, Facts], None]"
"""The same, for what changes with time at AWS."""


class Rules:
    """Rules of one service, collected by decorators."""

    def __init__(self, service: str) -> None:
        """`service` is botocore's name."""
        self.service = service
        self._rules: defaultdict[str, list[Rule]] = defaultdict(list)
        self._fact_rules: defaultdict[str, list[FactRule]] = defaultdict(list)

    def on(self, *actions: str) -> Callable[[Rule], Rule]:
        """Look at calls of these actions."""

        def register(rule: Rule) -> Rule:
            for action in actions:
                self._rules[action].append(rule)
            return rule

        return register

    def by_facts_on(self, *actions: str) -> Callable[[FactRule], FactRule]:
        """Look at calls of these actions when dated facts are at hand."""

        def register(rule: FactRule) -> FactRule:
            for action in actions:
                self._fact_rules[action].append(rule)
            return rule

        return register

    def check(self, call: Call, facts: Facts | None) -> None:
        """Ask every rule of the call's action."""
        for rule in self._rules.get(call.action, ()):
            rule(call)
        if facts is not None:
            for by_facts in self._fact_rules.get(call.action, ()):
                by_facts(call, facts)
