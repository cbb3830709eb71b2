"""The words and marks all three forms of a report share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from operations.plans.finding import Finding
from operations.plans.plan_document import Action
from operations.plans.report.attributes import AttributeChange
from operations.plans.report.model import SHOWN, ReportLine, StackReport

MARKS: Mapping[Action, str] = {
    Action.DELETE: "-",
    Action.REPLACE: "±",
    Action.UNKNOWN: "?",
    Action.FORGET: "∅",
    Action.UPDATE: "~",
    Action.CREATE: "+",
    Action.READ: "<",
    Action.NO_OP: " ",
}
SHOUTED = (Action.DELETE, Action.REPLACE, Action.UNKNOWN)


def counted(counts: Counter[Action]) -> str:
    """`2 to destroy, 1 to replace`; empty when there is nothing."""
    said = {action: f"to {action}" for action in SHOWN} | {Action.UNKNOWN: "with an unknown action"}
    return ", ".join(f"{counts[action]} {said[action]}" for action in SHOWN if counts[action])


def besides(stack: StackReport) -> str:
    """Effects of a stack's plan besides changes of resources; empty without any."""
    if stack.failure:
        return "failed"
    amounts = {
        "moved": len(stack.moved),
        "imported": len(stack.imported),
        "output" if len(stack.outputs) == 1 else "outputs": len(stack.outputs),
        "deferred": len(stack.deferred),
        "drifted": len(stack.drift),
    }
    return ", ".join(f"{amount} {what}" for what, amount in amounts.items() if amount)


def standing(stack: StackReport) -> str:
    """How a stack stands, in a few words."""
    return ", ".join(filter(None, [counted(stack.counts), besides(stack)])) or "no changes"


def deed(line: ReportLine, *, drift: bool = False) -> str:
    """The word for what becomes, or became, of a resource; empty when nothing does."""
    if line.action is Action.NO_OP:
        return ""
    if drift:
        return {Action.DELETE: "gone", Action.UPDATE: "changed"}.get(line.action, str(line.action))
    return str(line.action).upper() if line.action in SHOUTED else str(line.action)


def notes(line: ReportLine) -> list[str]:
    """Facts about a line besides its attributes."""
    found = []
    if line.deposed:
        found.append(f"deposed object {line.deposed}, left behind by an unfinished replacement")
    if line.forgets and line.action is Action.REPLACE:
        found.append("the old one stays in AWS, forgotten")
    if line.holds_data:
        found.append("holds data")
    if line.reason:
        found.append(line.reason)
    if line.create_before_destroy:
        found.append("made before the old one goes")
    if line.moved_from:
        found.append(f"moved from {line.moved_from}")
    if line.import_id:
        found.append(f"imported: {line.import_id}")
    return found


def state(finding: Finding) -> str:
    """The reason why a finding does not count; empty when it does."""
    return f"silenced: {finding.silenced}" if finding.silenced else "cannot be judged yet" if finding.undecided else ""


def step(attribute: AttributeChange) -> str:
    """`"a" → "b"`."""
    return f"{attribute.before or 'not set'} → {attribute.after or 'not set'}"
