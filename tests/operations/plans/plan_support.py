"""Plans for tests: the recorded ones, and small ones made by hand in the same format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from operations.plans.plan_document import PlanDocument, read_plan
from operations.plans.report.model import Report, StackReport
from operations.plans.review import Background, review

RECORDED = Path(__file__).parent / "recorded"
SOURCES = {"example-test/sessions/Default": ["deployments/example/stack.py:12", "modules/table.py:40"]}
DOCUMENT = {
    "resource": {
        "aws_dynamodb_table": {"sessions": {"//": {"metadata": {"path": "example-test/sessions/Default"}}}},
    }
}
SECRETS = ("first-secret", "second-secret", "tag-secret-1", "tag-secret-2", "not for logs")


def recorded(name: str) -> dict[str, Any]:
    plan: dict[str, Any] = json.loads((RECORDED / f"{name}.json").read_text(encoding="utf-8"))
    return plan


def change(
    address: str,
    before: dict[str, Any] | None,
    after: dict[str, Any] | None,
    *,
    replace: str | None = None,
    **more: Any,
) -> dict[str, Any]:
    """One resource change; made when nothing was before, destroyed when nothing is after."""
    if replace:
        actions = ["delete", "create"]
    else:
        actions = ["create"] if before is None else ["delete"] if after is None else ["update"]
    details = {"actions": actions, "before": before, "after": after, "replace_paths": [[replace]] if replace else []}
    return {"address": address, "mode": "managed", "type": address.split(".")[0], "change": {**details, **more}}


def plan_of(*changes: dict[str, Any], drift: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {"format_version": "1.2", "resource_changes": list(changes), "resource_drift": list(drift)}


def document_of(*changes: dict[str, Any]) -> PlanDocument:
    return read_plan(plan_of(*changes))


def stack_report(plan: dict[str, Any], *, name: str = "example-test", document: Any = None) -> StackReport:
    background = Background(document or DOCUMENT, SOURCES, protect_data=True, silence=lambda policy, address: "")
    return review(name, "test", plan, background)


def report_of(*stacks: StackReport) -> Report:
    return Report("Plan of the example", "20260101-000000-plan-1", stacks)
