"""Results of each table in an execution's history."""

from __future__ import annotations

import json
from typing import Any

from deployments.canvas_data_2.day2.executions import Execution


def history(*events: dict[str, Any]) -> Execution:
    execution = Execution("arn:aws:states:us-east-1:111122223333:execution:CD2RefreshStateMachine:one")
    for number, event in enumerate(events, start=1):
        execution.follow({"id": number, "previousEventId": number - 1, "type": "Any", **event})
    return execution


def entered(state: str, table: str = "users") -> dict[str, Any]:
    item = json.dumps({"namespace": "canvas", "table_name": table, "state": "needs_sync"})
    return {"stateEnteredEventDetails": {"name": state, "input": item}}


def done(state: str, error: str = "", table: str = "users") -> dict[str, Any]:
    result = {"namespace": "canvas", "table_name": table, "state": state, "error": error, "rows": 3}
    return {"stateExitedEventDetails": {"name": "TableDone", "output": json.dumps(result)}}


def test_a_table_is_followed_from_sync_to_init_to_its_end() -> None:
    execution = history({"mapStateStartedEventDetails": {"length": 2}}, entered("SyncTable"))
    assert (execution.total, execution.tables["canvas.users"].state) == (2, "syncing")
    execution.follow({"id": 3, "previousEventId": 2, "type": "Any", **entered("InitTable")})
    assert execution.tables["canvas.users"].state == "initialising"
    execution.follow({"id": 4, "previousEventId": 3, "type": "Any", **done("complete")})
    assert (execution.tables["canvas.users"].state, execution.tables["canvas.users"].rows) == ("complete", 3)


def test_a_failure_has_its_cause_from_the_event_that_failed() -> None:
    execution = history(
        entered("SyncTable"),
        {"type": "LambdaFunctionFailed", "taskFailedEventDetails": {"error": "OSError", "cause": "disk full"}},
        done("failed", "OSError"),
    )
    (failed,) = execution.failed
    assert (failed.name, failed.error, failed.cause) == ("canvas.users", "OSError", "disk full")


def test_a_time_out_is_a_failure_as_well() -> None:
    timed_out = {"type": "TaskTimedOut", "taskTimedOutEventDetails": {"error": "States.HeartbeatTimeout"}}
    execution = history(entered("InitTable"), timed_out, done("failed", "States.HeartbeatTimeout"))
    assert execution.failed[0].error == "States.HeartbeatTimeout"


def test_a_failure_that_was_tried_again_with_success_is_forgotten() -> None:
    failed = {"type": "TaskFailed", "taskFailedEventDetails": {"error": "TaskStopped", "cause": "spot"}}
    execution = history(entered("InitTable"), failed, done("complete"))
    assert not execution.failed
    assert execution.tables["canvas.users"].error == ""


def test_events_read_twice_count_once() -> None:
    events = [entered("SyncTable"), done("complete"), entered("SyncTable", "courses"), done("failed", "x", "courses")]
    execution = history(*events)
    for number, event in enumerate(events, start=1):
        execution.follow({"id": number, "previousEventId": number - 1, "type": "Any", **event})
    assert execution.counts == {"complete": 1, "failed": 1}
