"""What a report says: stacks, what changes in them and why, what drifted, what is against a policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from operations.plans.plan_document import Action, Change, read_plan
from operations.plans.policies import EXEMPTED_BY, Finding, judge, judge_drift
from operations.plans.report.attributes import AttributeChange, Secrets, attribute_changes, only_fills_in

SHOWN = (Action.DELETE, Action.REPLACE, Action.FORGET, Action.UPDATE, Action.CREATE)
"""The actions that change something, in the order they are shown."""


@dataclass(frozen=True)
class Line:
    """One resource in a report; texts are fit to be shown, no value is secret.

    `construct` is its path below the stack in Python, `sources` where that is written (`file:line`): the line of the
    deployment first, then that of the module. Both are empty for what is no longer in the code.
    """

    address: str
    action: Action
    holds_data: bool
    moved_from: str
    import_id: str
    reason: str
    create_before_destroy: bool
    attributes: tuple[AttributeChange, ...]
    construct: str
    sources: tuple[str, ...]
    findings: tuple[Finding, ...]

    @property
    def kind(self) -> str:
        """The resource's type; empty for an output."""
        return self.address.split(".")[0] if "." in self.address else ""


@dataclass(frozen=True)
class StackReport:
    """A stack: its changes in the order to be read, drift, and why there is no plan when that failed."""

    name: str
    environment: str
    changes: tuple[Line, ...] = ()
    moved: tuple[Line, ...] = ()
    imported: tuple[Line, ...] = ()
    drift: tuple[Line, ...] = ()
    filled_in: tuple[Line, ...] = ()
    """What AWS filled in where nothing was set and no policy minds: no drift anybody caused."""
    outputs: tuple[Line, ...] = ()
    failure: str = ""
    seconds: float = 0.0

    @property
    def counts(self) -> Counter[Action]:
        """How many resources each action is for."""
        return Counter(line.action for line in self.changes)

    @property
    def empty(self) -> bool:
        """Whether applying would do nothing at all."""
        return not (self.changes or self.moved or self.imported or self.outputs or self.failure)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding, at changes and at drift."""
        return tuple(finding for line in (*self.changes, *self.drift) for finding in line.findings)


@dataclass(frozen=True)
class Report:
    """All stacks of a run; `title` is its heading, `run` the name to give to `quintet apply`."""

    title: str
    run: str
    stacks: tuple[StackReport, ...]

    @property
    def counts(self) -> Counter[Action]:
        """How many resources each action is for, over all stacks."""
        return sum((stack.counts for stack in self.stacks), Counter())

    @property
    def findings(self) -> tuple[tuple[StackReport, Finding], ...]:
        """Every finding with its stack, those that are not silenced first."""
        found = [(stack, finding) for stack in self.stacks for finding in stack.findings]
        return tuple(sorted(found, key=lambda pair: bool(pair[1].silenced)))


@dataclass(frozen=True)
class Background:
    """What is known of a stack besides its plan: its Terraform JSON, where its constructs are written, its policies."""

    document: Mapping[str, Any]
    sources: Mapping[str, Sequence[str]]
    protect_data: bool
    silence: Callable[[str, str], str]
    """(policy, address) → the reason of a silence, or nothing."""


def report_stack(
    name: str, environment: str, plan_json: Mapping[str, Any], background: Background, *, seconds: float = 0.0
) -> StackReport:
    """The report on one stack's plan, which is as `terraform show -json` has it."""
    plan = read_plan(plan_json)
    secrets = Secrets((*plan.changes, *plan.drift, *plan.outputs))
    constructs = _metadata(background.document)

    def silenced(policy: str, address: str) -> str:
        exemptions = constructs.get(address, {}).get("exemptions", {})
        for rule in (policy, *EXEMPTED_BY.get(policy, ())):
            if rule in exemptions:
                return str(exemptions[rule])
        return background.silence(policy, address)

    def lines(changes: Iterable[Change], findings: Sequence[Finding] = ()) -> tuple[Line, ...]:
        found = [_line(change, secrets, constructs, background.sources, findings) for change in changes]
        return tuple(sorted(found, key=_urgency))

    findings = judge(plan, protect_data=background.protect_data, silenced=silenced)
    drift_findings = judge_drift(plan, protect_data=background.protect_data, silenced=silenced)
    drifted = [
        change for change in plan.drift if change.action is not Action.NO_OP and _says_something(change, secrets)
    ]
    drift = lines(drifted, drift_findings)
    against_policies = {finding.address for finding in drift_findings}
    filled_in = {change.address for change in drifted if only_fills_in(change)} - against_policies
    return StackReport(
        name=name,
        environment=environment,
        changes=lines((change for change in plan.changes if change.action in SHOWN), findings),
        moved=lines(change for change in plan.changes if change.moved_from),
        imported=lines(change for change in plan.changes if change.import_id),
        drift=tuple(line for line in drift if line.address not in filled_in),
        filled_in=tuple(line for line in drift if line.address in filled_in),
        outputs=lines(change for change in plan.outputs if change.action is not Action.NO_OP),
        seconds=seconds,
    )


def _metadata(document: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """What stands beside each resource in the Terraform JSON, by address."""
    return {
        f"{kind}.{name}": attributes.get("//", {})
        for kind, resources in document.get("resource", {}).items()
        for name, attributes in resources.items()
    }


def _line(
    change: Change,
    secrets: Secrets,
    constructs: Mapping[str, Mapping[str, Any]],
    sources: Mapping[str, Sequence[str]],
    findings: Sequence[Finding],
) -> Line:
    path = constructs.get(change.address.split("[")[0], {}).get("metadata", {}).get("path", "")
    return Line(
        address=change.address,
        action=change.action,
        holds_data=change.holds_data,
        moved_from=change.moved_from,
        import_id=change.import_id,
        reason=change.reason,
        create_before_destroy=change.create_before_destroy,
        attributes=attribute_changes(change, secrets) if change.action is not Action.NO_OP else (),
        construct=path.partition("/")[2],
        sources=tuple(sources.get(path, ())),
        findings=tuple(finding for finding in findings if finding.address == change.address),
    )


def _says_something(change: Change, secrets: Secrets) -> bool:
    """Whether more differs than how "nothing" is written: AWS's answers turn null into an empty list."""
    if change.action is not Action.UPDATE:
        return True
    empty = (None, '""', "[]", "{}")
    return any(a.before not in empty or a.after not in empty for a in attribute_changes(change, secrets))


def _urgency(line: Line) -> tuple[int, bool, bool, str]:
    order = (*SHOWN, Action.READ, Action.NO_OP)
    return order.index(line.action), not line.holds_data, not line.findings, line.address
