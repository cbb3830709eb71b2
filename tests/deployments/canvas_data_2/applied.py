"""Canvas Data 2 as committed, applied to the emulator by the real Terraform, with everything behind it that can be real.

Functions run as processes from the ZIP archives that were deployed, the container's tasks as processes from runtime/, the
state machine in the emulator's interpreter, the database in PostgreSQL. What is told to them besides is where API and
database are on this machine, and shorter times to wait.
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from config.environment import load_environment
from config.settings import ROOT
from operations.aws import Aws
from operations.bootstrap import bootstrap
from operations.canvas_data_2 import DEPLOYMENT
from operations.canvas_data_2.credentials import Credentials
from operations.canvas_data_2.executions import Execution, Executions
from operations.canvas_data_2.refresh import Refresh
from operations.canvas_data_2.user import DatabaseUser
from operations.emulator.server import Emulator
from operations.errors import OperatorError
from operations.outputs import Outputs, outputs_of
from operations.runs import Run
from operations.stacks import find_stacks, only
from tests.deployments.canvas_data_2.dap_api import CLIENT_ID, CLIENT_SECRET, DapApi
from tests.deployments.canvas_data_2.replica import Replica, make_replica
from tests.engines import PostgreSql

ENVIRONMENT = "dev"
HEARTBEAT_SECONDS = 25
RUNTIME = ROOT / "deployments" / "canvas_data_2" / "runtime"


@dataclass
class Applied:
    """The applied stack, and what is behind it."""

    emulator: Emulator
    aws: Aws
    outputs: Outputs
    api: DapApi
    replica: Replica
    behind: Path

    def client(self, service: str) -> Any:
        return self.aws.client(service, region=self.outputs.stack.region)

    def prepare(self) -> str:
        """Credentials and database, by the commands; what they said."""
        said = io.StringIO()
        console = Console(file=said, width=200)
        Credentials(CLIENT_ID, CLIENT_SECRET, environment=ENVIRONMENT, aws=self.aws).put(console)
        DatabaseUser(environment=ENVIRONMENT, aws=self.aws).prepare(console)
        self.point_secret_here()
        return said.getvalue()

    def point_secret_here(self) -> None:
        """The cluster's name leads nowhere: as DNS would, this leads to the real server."""
        secrets, arn = self.client("secretsmanager"), self.outputs.text("user_secret_arn")
        login = json.loads(secrets.get_secret_value(SecretId=arn)["SecretString"])
        login |= {"host": self.replica.server.host, "port": self.replica.server.port}
        secrets.put_secret_value(SecretId=arn, SecretString=json.dumps(login))

    def refresh(self, *tables: str) -> Execution:
        """One execution to its end, as `quintet canvas start` has it."""
        asked = Refresh(environment=ENVIRONMENT, tables=tables, aws=self.aws, sleep=_wait)
        said = io.StringIO()
        try:
            found = asked.run(Console(file=said, width=200))
        except OperatorError:
            executions = Executions(self.aws, self.outputs)
            found = executions.recent(1)[0]
            executions.update(found)
        assert found is not None
        return found

    def states(self, execution: Execution) -> dict[str, str]:
        """What became of each table."""
        return {name.partition(".")[2]: run.state for name, run in execution.tables.items()}

    def run_containers_as(self, command: list[str]) -> None:
        """What a task's container is from now on."""
        settings = json.loads(self.behind.read_text())
        for container in settings["containers"].values():
            container["command"] = command
        self.behind.write_text(json.dumps(settings))

    def notifications(self) -> list[dict[str, Any]]:
        """What was published to the topic so far, the last at the end."""
        sqs = self.client("sqs")
        url = sqs.get_queue_url(QueueName="canvas-notifications")["QueueUrl"]
        found = []
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
                found.append(json.loads(message["Body"]))
        return found


def _wait(seconds: float) -> None:
    import time

    time.sleep(min(seconds, 0.5))


@contextmanager
def applied(directory: Path, server: PostgreSql, api: DapApi) -> Iterator[Applied]:
    """The stack, applied and made ready."""
    stack = only(find_stacks(ROOT), f"{DEPLOYMENT}-{ENVIRONMENT}")
    behind = directory / "behind.json"
    with Run("canvas", root=ROOT) as run, Emulator.start(log=directory / "emulator.log", behind=behind) as emulator:
        variables = emulator.full_environment(account_id=stack.account_id, region=stack.region)
        aws = Aws(emulator.environment(account_id=stack.account_id, region=stack.region))
        bootstrap(aws, load_environment(ENVIRONMENT))
        terraform = run.terraform(stack, environment=variables)
        terraform.init()
        terraform.apply(terraform.plan())
        outputs = outputs_of(ROOT, DEPLOYMENT, ENVIRONMENT, aws)
        secret = aws.client("secretsmanager", region=stack.region).get_secret_value(
            SecretId=outputs.text("admin_secret_arn")
        )
        admin = json.loads(secret["SecretString"])
        replica = make_replica(server, outputs.text("database_name"), admin["password"])
        here = {"DAP_API_URL": api.url, "DATABASE_TLS": "disable"}
        behind.write_text(
            json.dumps(
                {
                    "containers": {
                        f"{stack.name}-table-task": {
                            "command": [sys.executable, "-m", "cd2.task"],
                            "environment": {
                                **here,
                                "PYTHONPATH": str(RUNTIME),
                                "TMPDIR": str(directory),
                                "HEARTBEAT_SECONDS": "1",
                            },
                        }
                    },
                    "databases": {
                        outputs.text("cluster_arn").rpartition(":")[2]: {
                            "host": server.host, "port": server.port, "database": replica.name,
                        }
                    },
                }
            )
        )  # fmt: skip
        ready = Applied(emulator, aws, outputs, api, replica, behind)
        _bring_here(ready, here)
        yield ready


def _bring_here(ready: Applied, here: dict[str, str]) -> None:
    functions = ready.client("lambda")
    for name in ("list_function", "sync_function"):
        function = ready.outputs.text(name)
        given = functions.get_function_configuration(FunctionName=function)["Environment"]["Variables"]
        functions.update_function_configuration(FunctionName=function, Environment={"Variables": given | here})
    states, arn = ready.client("stepfunctions"), ready.outputs.text("state_machine_arn")
    definition = states.describe_state_machine(stateMachineArn=arn)["definition"]
    shorter = re.sub(r'("HeartbeatSeconds"): \d+', rf"\1: {HEARTBEAT_SECONDS}", definition)
    shorter = re.sub(r'("IntervalSeconds"): \d+', r"\1: 1", shorter)
    shorter = re.sub(r'("BackoffRate"): \d+', r"\1: 1", shorter)
    states.update_state_machine(stateMachineArn=arn, definition=shorter)
    queue = ready.client("sqs").create_queue(QueueName="canvas-notifications")["QueueUrl"]
    attributes = ready.client("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    ready.client("sns").subscribe(
        TopicArn=ready.outputs.text("topic_arn"), Protocol="sqs", Endpoint=attributes["Attributes"]["QueueArn"]
    )
