"""Contents of a report: stacks, what changes in them and why, what drifted, what is against a policy."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from operations.plans.finding import ALL, Finding
from operations.plans.plan_document import Action, Change, PlanDocument
from operations.plans.report.attributes import AttributeChange, attribute_changes, is_by_aws
from operations.plans.report.safe_text import visible
from operations.plans.report.secrets import Secrets

SHOWN = (Action.DELETE, Action.REPLACE, Action.UNKNOWN, Action.FORGET, Action.UPDATE, Action.CREATE)
"""The actions that change something, in the order they are shown."""


@dataclass(frozen=True)
class ReportLine:
    """One resource in a report; texts are fit to be shown, no value is secret.

    `construct` is its path below the stack in Python, `sources` where that is written (`file:line`): the line of the
    deployment first, then that of the module. Both are empty for what is no longer in the code.
    """

    address: str
    type: str
    """Empty for an output."""
    action: Action
    holds_data: bool
    deposed: str
    forgets: bool
    moved_from: str
    import_id: str
    reason: str
    create_before_destroy: bool
    attributes: tuple[AttributeChange, ...]
    construct: str
    sources: tuple[str, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class StackReport:
    """A stack: its changes in the order to be read, drift, and why there is no plan when that failed."""

    name: str
    environment: str
    changes: tuple[ReportLine, ...] = ()
    moved: tuple[ReportLine, ...] = ()
    imported: tuple[ReportLine, ...] = ()
    drift: tuple[ReportLine, ...] = ()
    filled_in: tuple[ReportLine, ...] = ()
    """Changes by AWS itself that no policy minds, such as values that nobody set: no drift anybody caused."""
    outputs: tuple[ReportLine, ...] = ()
    deferred: tuple[ReportLine, ...] = ()
    """Left to a later plan by Terraform."""
    notices: tuple[str, ...] = ()
    """Sentences about the plan as a whole, such as a failed check or the emulator's endpoint."""
    failure: str = ""
    seconds: float = 0.0

    @cached_property
    def counts(self) -> Counter[Action]:
        """How many resources each action is for."""
        return Counter(line.action for line in self.changes)

    @property
    def empty(self) -> bool:
        """True when applying would do nothing at all."""
        return not (self.changes or self.moved or self.imported or self.outputs or self.deferred or self.failure)

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding, at changes and at drift."""
        return tuple(finding for line in (*self.changes, *self.drift) for finding in line.findings)


@dataclass(frozen=True)
class Report:
    """All stacks of a run; `title` is its heading, `run` the name to give to `quintet apply`."""

    title: str
    run: str
    stacks: tuple[StackReport, ...]

    @cached_property
    def counts(self) -> Counter[Action]:
        """How many resources each action is for, over all stacks."""
        return sum((stack.counts for stack in self.stacks), Counter())

    @cached_property
    def findings(self) -> tuple[tuple[StackReport, Finding], ...]:
        """Every finding with its stack: those that count first, then undecided ones, then silenced ones."""
        found = [(stack, finding) for stack in self.stacks for finding in stack.findings]
        return tuple(sorted(found, key=lambda pair: (bool(pair[1].silenced), pair[1].undecided)))

    def exit_code(self, *, drift: bool = False) -> int:
        """As Terraform's -detailed-exitcode: 0 nothing to do, 2 changes (or drift), 1 a stack failed."""
        if any(stack.failure for stack in self.stacks):
            return 1
        if drift:
            return 2 if any(stack.drift for stack in self.stacks) else 0
        return 0 if all(stack.empty for stack in self.stacks) else 2

    def against(self, policies: Sequence[str]) -> list[tuple[str, Finding]]:
        """Stack and finding, for findings that count and break one of `policies` (`all` means each)."""
        return [
            (stack.name, finding)
            for stack, finding in self.findings
            if finding.counts and (ALL in policies or finding.policy in policies)
        ]


@dataclass(frozen=True)
class Origins:
    """Places of resources in Python: construct path by address, and `file:line`s by construct path."""

    constructs: Mapping[str, str]
    sources: Mapping[str, Sequence[str]]


def report_stack(
    name: str,
    environment: str,
    plan: PlanDocument,
    *,
    findings: Sequence[Finding] = (),
    drift_findings: Sequence[Finding] = (),
    origins: Origins,
    seconds: float = 0.0,
) -> StackReport:
    """The report on one stack's plan with the findings that the policies had."""
    secrets = Secrets((*plan.changes, *plan.drift, *plan.outputs, *plan.deferred))

    def lines(changes: Iterable[Change], findings: Sequence[Finding] = ()) -> tuple[ReportLine, ...]:
        by_object: dict[tuple[str, str], list[Finding]] = defaultdict(list)
        for finding in findings:
            by_object[finding.address, finding.deposed].append(finding)
        found = [
            _line(change, secrets, origins, by_object.get((change.address, change.deposed), ())) for change in changes
        ]
        return tuple(sorted(found, key=_urgency))

    drifted = [
        change for change in plan.drift if change.action is not Action.NO_OP and _says_something(change, secrets)
    ]
    drift = lines(drifted, drift_findings)
    against_policies = {finding.address for finding in drift_findings}
    filled_in = {change.address for change in drifted if is_by_aws(change)} - against_policies
    return StackReport(
        name=name,
        environment=environment,
        changes=lines((change for change in plan.changes if change.action in SHOWN), findings),
        moved=lines(change for change in plan.changes if change.moved_from),
        imported=lines(change for change in plan.changes if change.import_id),
        drift=tuple(line for line in drift if line.address not in filled_in),
        filled_in=tuple(line for line in drift if line.address in filled_in),
        outputs=lines(change for change in plan.outputs if change.action is not Action.NO_OP),
        deferred=lines(plan.deferred),
        notices=tuple(secrets.text(notice) for notice in plan.notices),
        failure="Terraform could not finish this plan: it ended with an error. What it says is incomplete."
        if plan.errored
        else "",
        seconds=seconds,
    )


def _line(change: Change, secrets: Secrets, origins: Origins, findings: Sequence[Finding]) -> ReportLine:
    path = origins.constructs.get(change.address.split("[")[0], "")
    return ReportLine(
        address=visible(change.address),
        type=change.type,
        action=change.action,
        holds_data=change.holds_data,
        deposed=visible(change.deposed),
        forgets=change.forgets,
        moved_from=secrets.text(change.moved_from),
        import_id=secrets.text(change.import_id),
        reason=secrets.text(change.reason),
        create_before_destroy=change.create_before_destroy,
        attributes=attribute_changes(change, secrets) if change.action is not Action.NO_OP else (),
        construct=path.partition("/")[2],
        sources=tuple(origins.sources.get(path, ())),
        findings=tuple(
            replace(
                finding,
                address=visible(finding.address),
                message=secrets.text(finding.message),
                fix=secrets.text(finding.fix, lines=True),
            )
            for finding in findings
        ),
    )


def _says_something(change: Change, secrets: Secrets) -> bool:
    """True when more differs than how "nothing" is written: AWS's answers turn null into an empty list."""
    if change.action is not Action.UPDATE:
        return True
    empty = (None, '""', "[]", "{}")
    return any(a.before not in empty or a.after not in empty for a in attribute_changes(change, secrets))


_ORDER = {action: place for place, action in enumerate((*SHOWN, Action.READ, Action.NO_OP))}


def _urgency(line: ReportLine) -> tuple[int, bool, bool, str]:
    return _ORDER[line.action], not line.holds_data, not line.findings, line.address
