"""Checks of `make demo` on Canvas Data 2, with Canvas played by a small server and a real PostgreSQL filled."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from deployments.canvas_data_2.day2.deployed import CanvasData2
from deployments.canvas_data_2.day2.executions import Execution
from deployments.canvas_data_2.day2.rehearsal.dap_api import CLIENT_SECRET, DapApi, SourceTable
from deployments.canvas_data_2.day2.rehearsal.pipeline import Pipeline, pipeline
from deployments.canvas_data_2.outputs import CanvasData2Outputs
from deployments.canvas_data_2.settings import CREDENTIALS
from operations.aws import refusals_explained
from operations.demo.check import Check, CheckContext, expect
from operations.demo.rehearsals import NotRehearsedError, Stage
from operations.engines.postgresql import PACKAGE, postgresql
from operations.engines.server import MissingEngineError

_ROWS = {"users": 500, "courses": 40, "enrollments": 900}
_BROKEN = "courses"


@contextmanager
def checks(stage: Stage) -> Iterator[Sequence[Check]]:
    """The checks, to be run in their order while the servers that they need are there. Raises NotRehearsedError."""
    stack = stage.context.stack
    if stack.backend is None:
        raise NotRehearsedError("not run: its commands read a state in S3, and this one is in HCP Terraform")
    with ExitStack() as behind:
        try:
            server = behind.enter_context(postgresql())
        except MissingEngineError:
            raise NotRehearsedError(f"not run: no PostgreSQL server (apt install {PACKAGE})") from None
        behind.enter_context(refusals_explained())
        ready = pipeline(
            root=stage.root,
            deployed=CanvasData2(stack, stage.context.read(CanvasData2Outputs), stage.context.aws),
            behind=stage.behind,
            server=server,
            api=behind.enter_context(DapApi()),
            sleep=stage.sleep,
            variables={"API_ATTEMPTS": "2"},
        )
        played = _Played(behind.enter_context(ready))
        behind.callback(_delete_credentials, stage.context)
        yield (
            Check("preparation", played.commands_fill_in_credentials_and_prepare_the_database),
            Check("first refresh", played.the_first_refresh_fills_every_table),
            Check("second refresh", played.the_second_refresh_brings_what_changed),
            Check("broken table", played.a_broken_table_is_reported_and_stops_no_other),
            Check("secrets", played.no_log_line_holds_a_secret),
        )


def _delete_credentials(context: CheckContext) -> None:
    """Delete what Terraform does not own, as the runbook asks of operators who retire the stack."""
    path = context.read(CanvasData2Outputs).parameter_path
    context.client("ssm").delete_parameters(Names=[f"{path}/{name}" for name in CREDENTIALS])


class _Played:
    """The checks; each begins where the one before it ended."""

    def __init__(self, ready: Pipeline) -> None:
        self._ready = ready
        self._source = ready.api.tables
        for name, rows in _ROWS.items():
            text, number = {"type": "string"}, {"type": "integer", "format": "int64"}
            self._source[name] = SourceTable({"name": text, "points": number})
            for key in range(1, rows + 1):
                self._source[name].put(key, name=f"{name} {key}\twith a tab", points=key * 10)

    def commands_fill_in_credentials_and_prepare_the_database(self, context: CheckContext) -> str:
        """put-credentials and prepare-database; a second time they find everything done."""
        del context
        self._ready.prepare()
        before = self._ready.login()
        said = self._ready.prepare()
        expect("has this value already" in said, f"the credentials are stored again: {said}")
        expect(self._ready.login() == before, "preparing a second time changed the user's secret")
        return "twice, the second time nothing to do"

    def the_first_refresh_fills_every_table(self, context: CheckContext) -> str:
        """Every table is initialised by a task, row for row."""
        del context
        execution = self._refresh("SUCCEEDED")
        self._expect_states(execution, dict.fromkeys(self._source, "complete"))
        self._expect_exact(*self._source)
        counts = self._notified()["counts"]
        expect(counts["initialised"] == len(self._source), f"it reported {counts}")
        return f"{len(self._source)} tables initialised, {self._rows()} rows like the source's"

    def the_second_refresh_brings_what_changed(self, context: CheckContext) -> str:
        """Rows added, changed and deleted; a column of another type below a view; an API that throttles."""
        del context
        replica, users = self._ready.replica, self._source["users"]
        replica.sql("GRANT CREATE ON SCHEMA public TO canvas")
        replica.sql("CREATE VIEW public.best AS SELECT id, points FROM canvas.users")
        replica.sql("ALTER VIEW public.best OWNER TO canvas")
        users.columns["points"] = {"type": "string"}
        users.version += 1
        for key, row in list(users.rows.items()):
            users.put(key, name=row["name"], points=f"{row['points']} points")
        self._source["courses"].put(1000, name="added", points=None)
        self._source["enrollments"].put(7, name="changed", points=0)
        self._source["enrollments"].delete(8)
        self._ready.api.faults.throttled["/dap/query/canvas/table"] = 1
        execution = self._refresh("SUCCEEDED")
        wanted = dict.fromkeys(self._source, "complete") | {"users": "complete_with_update"}
        self._expect_states(execution, wanted)
        self._expect_exact(*self._source)
        expect(replica.sql("SELECT points FROM public.best WHERE id = 7") == "70 points", "the view is not back")
        counts = self._notified()["counts"]
        expect(counts["initialised"] == 0, f"it initialised again: {counts}")
        return f"{self._rows()} rows like the source's, and the view on a changed column is back"

    def a_broken_table_is_reported_and_stops_no_other(self, context: CheckContext) -> str:
        """Canvas's jobs for one table fail; the others are synced, the topic is told, and the execution fails."""
        del context
        others = [name for name in self._source if name != _BROKEN]
        for name in others:
            self._source[name].put(1, name="changed", points=None)
        self._ready.api.faults.broken.add(_BROKEN)
        execution = self._refresh("FAILED")
        self._ready.api.faults.broken.clear()
        self._expect_states(execution, dict.fromkeys(others, "complete") | {_BROKEN: "failed"})
        self._expect_exact(*others)
        expect(execution.error.startswith("TablesFailed"), f"it failed with {execution.error}")
        failed = [(failure["table"], failure["step"]) for failure in self._notified()["failed"]]
        expect(failed == [(f"canvas.{_BROKEN}", "sync")], f"it reported {failed}")
        return f"canvas.{_BROKEN} reported, {' and '.join(others)} synced"

    def no_log_line_holds_a_secret(self, context: CheckContext) -> str:
        """Neither the password nor the client's secret, nor tokens, nor signatures of links."""
        del context
        lines = self._ready.log_lines()
        expect(lines, "nothing was logged")
        for what, secret in {
            "the user's password": self._ready.login()["password"],
            "the client's secret": CLIENT_SECRET,
            "a token": "eyJ",
            "a link's signature": "X-Amz-Signature",
        }.items():
            expect(not any(secret in line for line in lines), f"a log line holds {what}")
        return f"{len(lines)} lines of log"

    def _refresh(self, status: str) -> Execution:
        execution = self._ready.refresh()
        reasons = [f"{run.name}: {run.error} {run.cause}" for run in execution.failed]
        expect(execution.status == status, f"{execution.status} {execution.error} {reasons}")
        return execution

    def _expect_states(self, execution: Execution, wanted: dict[str, str]) -> None:
        states = self._ready.states(execution)
        expect(states == wanted, f"{states}, not {wanted}")

    def _expect_exact(self, *tables: str) -> None:
        for name in tables:
            expect(self._ready.is_exact(name), f"{name} is not like its source")

    def _rows(self) -> int:
        return sum(len(self._ready.replica.rows(name)) for name in self._source)

    def _notified(self) -> dict[str, Any]:
        messages = self._ready.notifications()
        expect(len(messages) == 1, f"{len(messages)} notifications")
        message: dict[str, Any] = json.loads(messages[0]["Message"])
        return message
