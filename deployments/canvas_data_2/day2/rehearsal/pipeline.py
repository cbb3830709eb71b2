"""The applied stack with everything behind it that can be real.

Functions run as processes from the ZIP archives that were deployed, the container's tasks as processes from runtime/,
the state machine in the emulator's interpreter, the database in PostgreSQL, over TLS with a certificate that is
verified. What is told to them besides is where API and database are on this machine, and shorter times to wait.
"""

from __future__ import annotations

import io
import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deployments.canvas_data_2.day2.credentials import Credentials
from deployments.canvas_data_2.day2.deployed import CanvasData2
from deployments.canvas_data_2.day2.executions import Execution, Executions
from deployments.canvas_data_2.day2.refresh import TablesRefresh
from deployments.canvas_data_2.day2.rehearsal.dap_api import CLIENT_ID, CLIENT_SECRET, DapApi, checksum_of
from deployments.canvas_data_2.day2.rehearsal.replica import Replica, make_replica
from deployments.canvas_data_2.day2.user import DatabaseUser
from deployments.canvas_data_2.outputs import CanvasData2Outputs
from operations.console import new_console
from operations.engines.postgresql import PostgreSql
from operations.errors import OperatorError

HEARTBEAT_SECONDS = 25
_POLL_SECONDS = 0.5
_QUEUE = "canvas-rehearsal"


@dataclass(frozen=True)
class Pipeline:
    """A stack that can be worked with as operators do, and what is behind it."""

    root: Path
    deployed: CanvasData2
    api: DapApi
    replica: Replica
    behind: Path
    sleep: Callable[[float], None]

    @property
    def environment(self) -> str:
        """The stack's."""
        return self.deployed.stack.environment

    @property
    def outputs(self) -> CanvasData2Outputs:
        """The stack's outputs."""
        return self.deployed.outputs

    @property
    def runtime(self) -> Path:
        """The folder whose programs the functions and the container run."""
        return self.root / "deployments" / "canvas_data_2" / "runtime"

    def client(self, service: str) -> Any:
        """A boto3 client in the stack's account and region."""
        return self.deployed.client(service)

    def prepare(self) -> str:
        """Credentials and database, by the commands; what they said."""
        said = io.StringIO()
        console = new_console(file=said, width=200)
        where = {"environment": self.environment, "root": self.root, "aws": self.deployed.aws}
        Credentials(CLIENT_ID, CLIENT_SECRET, **where).put(console)  # type: ignore[arg-type]  # of three types
        DatabaseUser(**where).prepare(console)  # type: ignore[arg-type]  # as above
        self.point_secret_here()
        return said.getvalue()

    def login(self) -> dict[str, Any]:
        """Contents of the secret of the pipeline's user."""
        arn = self.outputs.user_secret_arn
        found: dict[str, Any] = json.loads(self.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"])
        return found

    def point_secret_here(self) -> None:
        """The cluster's name leads nowhere: as DNS would, this leads to the real server."""
        login = self.login() | {"host": self.replica.server.host, "port": self.replica.server.port}
        self.client("secretsmanager").put_secret_value(
            SecretId=self.outputs.user_secret_arn, SecretString=json.dumps(login)
        )

    def refresh(self, *tables: str) -> Execution:
        """One execution to its end, well or not, as `quintet canvas start` has it."""
        asked = TablesRefresh(
            environment=self.environment, tables=tables, root=self.root, aws=self.deployed.aws,
            sleep=lambda seconds: self.sleep(min(seconds, _POLL_SECONDS)),
        )  # fmt: skip
        executions = Executions(self.deployed)
        try:
            asked.run(new_console(file=io.StringIO()))
        except OperatorError:
            if not executions.recent(1):  # it did not even begin
                raise
        found = executions.recent(1)[0]
        executions.update(found)
        return found

    def states(self, execution: Execution) -> dict[str, str]:
        """Result of each table."""
        return {name.partition(".")[2]: run.state for name, run in execution.tables.items()}

    def is_exact(self, *tables: str) -> bool:
        """True when the tables are copies of their sources, to the last value."""
        return all(self.replica.checksum(name) == checksum_of(self.api.tables[name]) for name in tables)

    def run_containers_as(self, command: list[str]) -> None:
        """Has the containers of tasks run `command` from now on."""
        settings = json.loads(self.behind.read_text())
        for container in settings["containers"].values():
            container["command"] = command
        self.behind.write_text(json.dumps(settings))

    def notifications(self) -> list[dict[str, Any]]:
        """Messages published to the topic since the last call, the newest at the end."""
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName=_QUEUE)["QueueUrl"]
        found = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                found.append(json.loads(message["Body"]))
        return found

    def log_lines(self) -> list[str]:
        """Everything that functions, tasks and the state machine have logged."""
        logs = self.client("logs")
        pages = logs.get_paginator("filter_log_events")
        return [
            event["message"]
            for group in logs.describe_log_groups()["logGroups"]
            for page in pages.paginate(logGroupName=group["logGroupName"])
            for event in page["events"]
        ]


@contextmanager
def pipeline(
    *,
    root: Path,
    deployed: CanvasData2,
    behind: Path,
    server: PostgreSql,
    api: DapApi,
    sleep: Callable[[float], None],
    variables: Mapping[str, str] | None = None,
) -> Iterator[Pipeline]:
    """The pipeline of an applied stack, led to this machine; functions and machine are as applied again afterwards.

    `behind` is the file that the emulator was started with; `variables` are for the functions and the container.
    """
    outputs = deployed.outputs
    secret = deployed.client("secretsmanager").get_secret_value(SecretId=outputs.admin_secret_arn)
    admin = json.loads(secret["SecretString"])["password"]
    replica = make_replica(server, outputs.database_name, admin)
    ready = Pipeline(root, deployed, api, replica, behind, sleep)
    here = {"DAP_API_URL": api.url, **_trust(server), **(variables or {})}
    with ExitStack() as cleanup:
        scratch = cleanup.enter_context(tempfile.TemporaryDirectory(prefix="quintet-canvas-"))
        container = {**here, "PYTHONPATH": str(ready.runtime), "TMPDIR": scratch, "HEARTBEAT_SECONDS": "1"}
        database = {"host": server.host, "port": server.port, "database": replica.name}
        behind.write_text(
            json.dumps(
                {
                    "containers": {
                        outputs.repository_url.partition("/")[2]: {
                            "command": [sys.executable, "-m", "cd2.task"],
                            "environment": container,
                        }
                    },
                    "databases": {outputs.cluster_arn.rpartition(":")[2]: database},
                }
            )
        )
        cleanup.callback(behind.unlink)
        for name in (outputs.list_function, outputs.sync_function):
            cleanup.enter_context(_variables(ready, name, here))
        cleanup.enter_context(_shorter_waits(ready))
        cleanup.enter_context(_queue(ready))
        yield ready


def _trust(server: PostgreSql) -> dict[str, str]:
    """The server's certificate is verified, where a variable may add an authority to the system's."""
    if sys.platform != "linux":
        return {"DATABASE_TLS": "disable"}  # elsewhere the client asks the system's own store
    return {"SSL_CERT_FILE": str(server.trusted)}


@contextmanager
def _variables(ready: Pipeline, function: str, variables: Mapping[str, str]) -> Iterator[None]:
    functions = ready.client("lambda")
    given = functions.get_function_configuration(FunctionName=function)["Environment"]
    here = {"Variables": given["Variables"] | variables}
    functions.update_function_configuration(FunctionName=function, Environment=here)
    try:
        yield
    finally:
        functions.update_function_configuration(FunctionName=function, Environment=given)


@contextmanager
def _shorter_waits(ready: Pipeline) -> Iterator[None]:
    states, arn = ready.client("stepfunctions"), ready.outputs.state_machine_arn
    definition = states.describe_state_machine(stateMachineArn=arn)["definition"]
    shorter = re.sub(r'("HeartbeatSeconds"): \d+', rf"\1: {HEARTBEAT_SECONDS}", definition)
    shorter = re.sub(r'("IntervalSeconds"): \d+', r"\1: 1", shorter)
    shorter = re.sub(r'("BackoffRate"): \d+', r"\1: 1", shorter)
    states.update_state_machine(stateMachineArn=arn, definition=shorter)
    try:
        yield
    finally:
        states.update_state_machine(stateMachineArn=arn, definition=definition)


@contextmanager
def _queue(ready: Pipeline) -> Iterator[None]:
    """Keeps what is published to the topic."""
    sqs, sns = ready.client("sqs"), ready.client("sns")
    url = sqs.create_queue(QueueName=_QUEUE)["QueueUrl"]
    queue = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = ready.outputs.topic_arn
    subscription = sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=queue)["SubscriptionArn"]
    try:
        yield
    finally:
        sns.unsubscribe(SubscriptionArn=subscription)
        sqs.delete_queue(QueueUrl=url)
