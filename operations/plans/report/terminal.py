"""A report on a terminal. What is created is only named there: its attributes are on the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rich.console import Console
from rich.text import Text

from operations.listing import Cell, Listing
from operations.plans.finding import Finding
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
    _findings(report, console)
    for stack in report.stacks:
        _stack(stack, console)


def _stacks(report: Report) -> Listing:
    actions = [action for action in SHOWN if report.counts[action]]
    listing = Listing("stacks", ("stack", *map(str, actions), "besides", "seconds"), title=report.title)
    for stack in report.stacks:
        counts = [Cell(stack.counts[action] or None, style=_STYLES[action]) for action in actions]
        rest = besides(stack) or (None if stack.changes else "no changes")
        listing.add(Cell(stack.name, style="red" if stack.failure else ""), *counts, rest, round(stack.seconds))
    return listing


def _findings(report: Report, console: Console) -> None:
    for stack, finding in report.findings:
        _finding(stack, finding, console)


def _finding(stack: StackReport, finding: Finding, console: Console) -> None:
    head = f"{stack.name}: {finding.address} {finding.message} [{finding.policy}]"
    if finding.silenced or finding.undecided:
        _print(console, f"  {head} – {state(finding)}", "dim")
        return
    _print(console, f"! {head}", "bold red")
    for line in finding.fix.splitlines():
        _print(console, f"    {line}")


def _stack(stack: StackReport, console: Console) -> None:
    if stack.empty and not stack.drift and not stack.notices:
        return
    _print(console, f"\n{stack.name}: {standing(stack)}", "bold")
    if stack.failure:
        _print(console, visible(stack.failure, lines=True), "red")
    for notice in stack.notices:
        _print(console, f"  ! {notice}", "bold yellow")
    _lines(stack.changes, console)
    _apart("Moved, and nothing else", [line for line in stack.moved if line.action is Action.NO_OP], console)
    _apart("Imported, and nothing else", [line for line in stack.imported if line.action is Action.NO_OP], console)
    _apart("Outputs", stack.outputs, console)
    _apart("Deferred: left to a later plan", stack.deferred, console)
    _apart("Drift: changed without Terraform", stack.drift, console, drift=True)


def _apart(title: str, lines: Iterable[ReportLine], console: Console, *, drift: bool = False) -> None:
    lines = list(lines)
    if lines:
        _print(console, f"  {title}", "bold")
        _lines(lines, console, drift=drift)


def _lines(lines: Iterable[ReportLine], console: Console, *, drift: bool = False) -> None:
    for line in lines:
        words = "; ".join(filter(None, [deed(line, drift=drift), *notes(line)]))
        _print(console, f"  {MARKS[line.action]} {line.address}  {words}", _STYLES.get(line.action, ""))
        if line.sources:
            _print(console, f"      {' → '.join(line.sources)}", "dim")
        if line.action is not Action.CREATE:
            for attribute in line.attributes:
                _attribute(attribute, console)


def _attribute(attribute: AttributeChange, console: Console) -> None:
    forced = "  forces replacement" if attribute.forces_replacement else ""
    if attribute.lines:
        _print(console, f"      {attribute.path}:{forced}")
        for text in attribute.lines:
            _print(console, f"        {text}", {"+": "green", "-": "red"}.get(text[:1], "dim"))
        return
    text = f"      {attribute.path}: {shortened(step(attribute), _VALUE_LENGTH)}{forced}"
    _print(console, text, "bold" if forced else "")


def _print(console: Console, text: str, style: str = "") -> None:
    console.print(Text(text, style=style))
