"""The container: fills or syncs one table for as long as it takes, and tells the state machine that it is alive.

Started by the state machine with a token to report to, or by an operator's command without.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from typing import Any

import boto3
from botocore.exceptions import ClientError

from . import log
from .dap_client import described
from .database import login, trust_rds
from .parameters import api_credentials
from .replication import ReplicatedTable, Result

logger = logging.getLogger(__name__)
HEARTBEAT_SECONDS = 30.0


class TaskReport:
    """What the state machine is told, if there is one that waits."""

    def __init__(self, token: str | None) -> None:
        self._token = token
        self._states = boto3.client("stepfunctions") if token else None

    def alive(self) -> None:
        """Raises ClientError when nobody waits any more."""
        if self._states is not None:
            self._states.send_task_heartbeat(taskToken=self._token)

    def result(self, result: Result) -> None:
        """The work is done, well or not."""
        if self._states is not None:
            self._states.send_task_success(taskToken=self._token, output=json.dumps(result))

    def stopped(self, cause: str) -> None:
        """The work is not done and should be begun again."""
        if self._states is not None:
            self._states.send_task_failure(taskToken=self._token, error="TaskStopped", cause=cause)


def main() -> int:
    """ACTION is `init` or `sync`, of NAMESPACE's TABLE_NAME; 0 when that went well. AGAIN=yes drops the table first."""
    log.set_up()
    trust_rds()
    report = TaskReport(os.environ.get("TASK_TOKEN"))
    table = ReplicatedTable(
        os.environ["NAMESPACE"],
        os.environ["TABLE_NAME"],
        credentials=api_credentials(boto3.client("ssm")),
        login=login(boto3.client("secretsmanager")),
    )
    return asyncio.run(_work(os.environ["ACTION"], table, report))


async def _work(action: str, table: ReplicatedTable, report: TaskReport) -> int:
    work = asyncio.create_task(_init_or_sync(action, table))
    heart = asyncio.create_task(_beat(report, work))
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, work.cancel)
    try:
        result = await work
    except asyncio.CancelledError:
        logger.warning("Stopped", extra={"about": {"table": table.name}})
        report.stopped(f"the task for {table.namespace}.{table.name} was stopped")
        return 1
    except Exception as error:  # whatever is wrong with one table is data, and stops no other
        logger.exception("Failed", extra={"about": {"table": table.name}})
        result = table.result(action, "failed", error=log.redacted(described(error)))
    finally:
        heart.cancel()
    logger.info(result["state"], extra={"about": result})
    report.result(result)
    return 0 if result["state"] != "failed" else 1


async def _init_or_sync(action: str, table: ReplicatedTable) -> dict[str, Any]:
    return await (table.init(again=os.environ.get("AGAIN") == "yes") if action == "init" else table.sync())


async def _beat(report: TaskReport, work: asyncio.Task[Result]) -> None:
    """Heartbeats until nobody waits any more: then the work ends too, since another task may have begun it."""
    seconds = float(os.environ.get("HEARTBEAT_SECONDS", HEARTBEAT_SECONDS))
    while True:
        try:
            await asyncio.to_thread(report.alive)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("TaskTimedOut", "TaskDoesNotExist", "InvalidToken"):
                logger.error("Nobody waits for this task any more", extra={"about": {"error": str(error)}})
                work.cancel()
                return
            logger.warning("A heartbeat was not heard", extra={"about": {"error": str(error)}})
        await asyncio.sleep(seconds)


if __name__ == "__main__":
    sys.exit(main())
