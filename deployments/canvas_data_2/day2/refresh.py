"""Starts a refresh of all tables and follows it to its end."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from config.settings import ROOT
from deployments.canvas_data_2.day2.deployed import CanvasData2
from deployments.canvas_data_2.day2.executions import RUNNING, Execution, Executions
from operations.aws import Aws, refusals_explained
from operations.errors import OperatorError

if TYPE_CHECKING:
    from rich.console import Console

POLL_SECONDS = 5.0


@dataclass(frozen=True)
class TablesRefresh:
    """The wanted refresh: of all tables, or of those named."""

    environment: str = "dev"
    tables: Sequence[str] = ()
    wait: bool = True
    dry_run: bool = False
    root: Path = ROOT
    aws: Aws = field(default_factory=Aws)
    sleep: Callable[[float], None] = time.sleep

    def run(self, console: Console) -> Execution | None:
        """The execution, at its end unless it is not waited for; Ctrl-C ends the waiting, not the execution.

        Raises OperatorError when it cannot begin, and when it fails.
        """
        with refusals_explained():
            executions = Executions(CanvasData2.applied(self.root, self.environment, self.aws))
            what = ", ".join(self.tables) or "all tables"
            running = [execution for execution in executions.recent(10) if execution.status == RUNNING]
            if running:
                console.print(f"{running[0].name} is running already; two do not harm each other.")
            if self.dry_run:
                console.print(f"Would refresh {what}.")
                return None
            execution = executions.start(list(self.tables))
            console.print(f"{execution.name} refreshes {what}.")
            if self.wait:
                self._follow(executions, execution, console)
        return execution

    def _follow(self, executions: Executions, execution: Execution, console: Console) -> None:
        said: dict[str, str] = {}
        executions.update(execution)
        while True:
            for name, run in execution.tables.items():
                if run.done and said.get(name) != run.state:
                    said[name] = run.state
                    of = f"{len(said)} of {execution.total}" if execution.total else str(len(said))
                    console.print(f"{of}  {name}: {run.state}{f' ({run.error})' if run.error else ''}")
            if execution.status != RUNNING:
                break
            self.sleep(POLL_SECONDS)
            executions.update(execution)
        counts = ", ".join(f"{number} {state}" for state, number in sorted(execution.counts.items()))
        console.print(f"{execution.name}: {execution.status.lower()}; {counts or 'no tables'}.")
        if execution.status != "SUCCEEDED":
            raise OperatorError(
                f"{execution.name} did not succeed. {execution.error}".rstrip(),
                hint=f"What failed and why: quintet canvas failures --environment {self.environment}",
            )
