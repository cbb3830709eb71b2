"""The function `summarise`: what a refresh of all tables came to, as data and as a message."""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from typing import Any

from . import log

logger = logging.getLogger(__name__)
MOST_BYTES = 200_000
"""SNS takes 256 KiB and Step Functions hands on as much, with everything around it."""
_SUBJECT_LENGTH = 100
_ERROR_LENGTH = 300
_LISTS = ("failed", "updated_schema", "views_not_restored")
STATES = ("complete", "complete_with_update", "failed")


def handler(event: dict[str, Any], context: object) -> dict[str, Any]:
    """`{"counts", "subject", "message"}` of `{"results", "execution", "started"}`."""
    del context
    log.set_up()
    summary = summarise(event["results"], event["execution"], event["started"], os.environ["STAGE"])
    logger.info(summary["subject"], extra={"about": summary["counts"]})
    return summary


def summarise(results: list[dict[str, Any]], execution: str, started: str, stage: str) -> dict[str, Any]:
    """Whatever is neither complete nor updated counts as failed: nothing gets lost between two states."""
    states = [result["state"] if result.get("state") in STATES else "failed" for result in results]
    counts = Counter(states)
    failed = [_failure(result) for result, state in zip(results, states, strict=True) if state == "failed"]
    updated = [result for result in results if result.get("state") == "complete_with_update"]
    numbers = {
        "tables": len(results),
        **{state: counts[state] for state in STATES},
        "failed_sync": sum(failure["step"] == "sync" for failure in failed),
        "failed_init": sum(failure["step"] == "init" for failure in failed),
        "initialised": sum(result.get("step") == "init" and result["state"] != "failed" for result in results),
    }
    report: dict[str, Any] = {
        "stage": stage,
        "execution": execution,
        "started": started,
        "counts": numbers,
        "failed": failed,
        "updated_schema": [f"{result['namespace']}.{result['table_name']}" for result in updated],
        "views_not_restored": sorted(view for result in results for view in result.get("views_not_restored", ())),
    }
    fine = len(results) - len(failed)
    subject = f"Canvas Data 2 ({stage}): {fine} of {len(results)} tables refreshed, {len(failed)} failed"
    return {"counts": numbers, "subject": subject[:_SUBJECT_LENGTH], "message": _shortened(report)}


def _failure(result: dict[str, Any]) -> dict[str, str]:
    return {
        "table": f"{result.get('namespace', '?')}.{result.get('table_name', '?')}",
        "step": result.get("step") or ("init" if result.get("state") == "needs_init" else "sync"),
        "error": str(result.get("error") or result.get("state"))[:_ERROR_LENGTH],
    }


def _shortened(report: dict[str, Any]) -> str:
    """The report as JSON; lists that make it too long lose their ends and say by how much. The counts stay."""
    message = json.dumps(report, indent=1)
    while len(message.encode()) > MOST_BYTES:
        longest = max(_LISTS, key=lambda name: len(json.dumps(report[name])))
        entries = report[longest]
        left_out = report.get(f"{longest}_left_out", 0)
        kept = len(entries) // 2
        report = {**report, longest: entries[:kept], f"{longest}_left_out": left_out + len(entries) - kept}
        message = json.dumps(report, indent=1)
    return message
