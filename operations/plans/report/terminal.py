"""A report on a terminal. What is created is only named there: its attributes are on the page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from rich.console import Console, Group
from rich.text import Text

from operations.listing import Cell, Listing
from operations.plans.plan_document import Action
from operations.plans.report.attributes import AttributeChange
from operations.plans.report.model import SHOWN, Report, ReportLine, StackReport
from operations.plans.report.safe_text import shortened, visible
from operations.plans.report.wording import MARKS, besides, deed, notes, standing, state, step

_STYLES: Mapping[Action, str] = {
    Action.DELETE: "bold red",
    Action.REPLACE: "bold magenta",
    Action.UNKNOWN: "bold magenta",
    Action.FORGET: "magenta",
    Action.UPDATE: "yellow",
    Action.CREATE: "green",
}
_VALUE_LENGTH = 160


def print_report(report: Report, console: Console) -> None:
    """Print the counts of every stack, then what is against a policy, then each stack's changes, worst first."""
    console.print(_stacks(report))
    console.print(Group(*_findings(report)))  # at once: a call for each line costs twice as much
    for stack in report.stacks:
        console.print(Group(*_stack(stack)))


def _stacks(report: Report) -> Listing:
    actions = [action for action in SHOWN if report.counts[action]]
    listing = Listing("stacks", ("stack", *map(str, actions), "besides", "seconds"), title=report.title)
    for stack in report.stacks:
        counts = [Cell(stack.counts[action] or None, style=_STYLES[action]) for action in actions]
        rest = besides(stack) or (None if stack.changes else "no changes")
        listing.add(Cell(stack.name, style="red" if stack.failure else ""), *counts, rest, round(stack.seconds))
    return listing


def _findings(report: Report) -> Iterator[Text]:
    for stack, finding in report.findings:
        head = f"{stack.name}: {finding.address} {finding.message} [{finding.policy}]"
        if finding.silenced or finding.undecided:
            yield Text(f"  {head} – {state(finding)}", "dim")
            continue
        yield Text(f"! {head}", "bold red")
        for line in finding.fix.splitlines():
            yield Text(f"    {line}")


def _stack(stack: StackReport) -> Iterator[Text]:
    if stack.empty and not stack.drift and not stack.notices:
        return
    yield Text(f"\n{stack.name}: {standing(stack)}", "bold")
    if stack.failure:
        yield Text(visible(stack.failure, lines=True), "red")
    for notice in stack.notices:
        yield Text(f"  ! {notice}", "bold yellow")
    yield from _lines(stack.changes)
    yield from _apart("Moved, and nothing else", [line for line in stack.moved if line.action is Action.NO_OP])
    yield from _apart("Imported, and nothing else", [line for line in stack.imported if line.action is Action.NO_OP])
    yield from _apart("Outputs", stack.outputs)
    yield from _apart("Deferred: left to a later plan", stack.deferred)
    yield from _apart("Drift: changed without Terraform", stack.drift, drift=True)


def _apart(title: str, lines: Sequence[ReportLine], *, drift: bool = False) -> Iterator[Text]:
    if lines:
        yield Text(f"  {title}", "bold")
        yield from _lines(lines, drift=drift)


def _lines(lines: Iterable[ReportLine], *, drift: bool = False) -> Iterator[Text]:
    for line in lines:
        words = "; ".join(filter(None, [deed(line, drift=drift), *notes(line)]))
        yield Text(f"  {MARKS[line.action]} {line.address}  {words}", _STYLES.get(line.action, ""))
        if line.sources:
            yield Text(f"      {' → '.join(line.sources)}", "dim")
        if line.action is not Action.CREATE:
            for attribute in line.attributes:
                yield from _attribute(attribute)


def _attribute(attribute: AttributeChange) -> Iterator[Text]:
    forced = "  forces replacement" if attribute.forces_replacement else ""
    if attribute.lines:
        yield Text(f"      {attribute.path}:{forced}")
        for text in attribute.lines:
            yield Text(f"        {text}", {"+": "green", "-": "red"}.get(text[:1], "dim"))
        return
    text = f"      {attribute.path}: {shortened(step(attribute), _VALUE_LENGTH)}{forced}"
    yield Text(text, "bold" if forced else "")
