"""Executions of CD2RefreshStateMachine: what each made of every table, read from its history."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from operations.errors import OperatorError

if TYPE_CHECKING:
    from deployments.canvas_data_2.day2.deployed import CanvasData2

RUNNING = "RUNNING"
_WORKING = {
    "SyncTable": "syncing",
    "SyncTableAsTask": "syncing on Fargate",
    "InitTable": "initialising",
}
_CAUSE_LENGTH = 2000


@dataclass
class TableRun:
    """One table in one execution."""

    name: str
    state: str = "waiting"
    error: str = ""
    cause: str = ""
    rows: int | None = None

    @property
    def done(self) -> bool:
        """True when it has ended."""
        return self.state in ("complete", "complete_with_update", "failed")


@dataclass
class Execution:
    """One execution, followed by reading on where the last look ended."""

    arn: str
    status: str = RUNNING
    started: datetime | None = None
    stopped: datetime | None = None
    error: str = ""
    total: int | None = None
    tables: dict[str, TableRun] = field(default_factory=dict)
    """Tables by `namespace.table`."""
    _read: int = 0
    _table_of: dict[int, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Its name within the state machine."""
        return self.arn.rpartition(":")[2]

    @property
    def counts(self) -> Counter[str]:
        """How many tables are in which state."""
        return Counter(run.state for run in self.tables.values())

    @property
    def failed(self) -> list[TableRun]:
        """The tables that failed, by name."""
        return sorted((run for run in self.tables.values() if run.state == "failed"), key=lambda run: run.name)

    def follow(self, event: Mapping[str, Any]) -> None:
        """Take in one event of the history; events that were taken in before change nothing."""
        number = event["id"]
        if number <= self._read:
            return
        self._read = number
        # every event belongs to the table of the one before it
        if (table := self._table_of.get(event.get("previousEventId", 0))) is not None:
            self._table_of[number] = table
        entered, exited = event.get("stateEnteredEventDetails"), event.get("stateExitedEventDetails")
        if details := event.get("mapStateStartedEventDetails"):
            self.total = details["length"]
        elif entered and entered["name"] in _WORKING:
            item = json.loads(entered["input"])
            name = f"{item['namespace']}.{item['table_name']}"
            self._table_of[number] = name
            self.tables.setdefault(name, TableRun(name)).state = _WORKING[entered["name"]]
        elif exited and exited["name"] == "TableDone":
            self._finish(json.loads(exited["output"]))
        elif table is not None and (reason := _failure(event)):
            self.tables[table].error, self.tables[table].cause = reason

    def _finish(self, result: Mapping[str, Any]) -> None:
        name = f"{result['namespace']}.{result['table_name']}"
        run = self.tables.setdefault(name, TableRun(name))
        run.state, run.rows = result["state"], result.get("rows")
        if run.state != "failed":
            run.error = run.cause = ""
        elif result.get("error") != run.error:
            run.error = result.get("error", "")


class Executions:
    """The executions of an applied stack's state machine."""

    def __init__(self, canvas: CanvasData2) -> None:
        self._states = canvas.client("stepfunctions")
        self._machine = canvas.outputs.state_machine_arn
        self._environment = canvas.stack.environment

    def start(self, tables: list[str]) -> Execution:
        """Begin a refresh, of all tables or of those named."""
        input_ = json.dumps({"tables": tables} if tables else {})
        return Execution(self._states.start_execution(stateMachineArn=self._machine, input=input_)["executionArn"])

    def recent(self, number: int) -> list[Execution]:
        """The latest executions, the newest first, without their tables."""
        found = self._states.list_executions(stateMachineArn=self._machine, maxResults=number)["executions"]
        return [
            Execution(entry["executionArn"], entry["status"], entry["startDate"], entry.get("stopDate"))
            for entry in found[:number]
        ]

    def find(self, name: str | None) -> Execution:
        """The execution called `name`, or the latest one that has ended. Raises OperatorError when there is none."""
        found = self.recent(100)
        ended = [entry for entry in found if (entry.name == name if name else entry.status != RUNNING)]
        if not ended:
            what = f"No execution is called {name}" if name else "No execution has ended yet"
            raise OperatorError(
                f"{what}.", hint=f"Those there are: quintet canvas status --environment {self._environment}"
            )
        return ended[0]

    def update(self, execution: Execution) -> None:
        """Bring `execution` up to what has happened by now."""
        described = self._states.describe_execution(executionArn=execution.arn)
        pages = self._states.get_paginator("get_execution_history").paginate(
            executionArn=execution.arn, includeExecutionData=True
        )
        for page in pages:
            for event in page["events"]:
                execution.follow(event)
        execution.status = described["status"]
        execution.started, execution.stopped = described["startDate"], described.get("stopDate")
        execution.error = ": ".join(filter(None, (described.get("error"), described.get("cause"))))


def _failure(event: Mapping[str, Any]) -> tuple[str, str] | None:
    """Error and cause, when the event tells of a failure."""
    for key, details in event.items():
        if key.startswith(("task", "lambda")) and key.endswith(("FailedEventDetails", "TimedOutEventDetails")):
            return details.get("error", event["type"]), details.get("cause", "")[:_CAUSE_LENGTH]
    return None
