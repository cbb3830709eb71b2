"""The function `sync_table`: brings one table up to date, or hands it over to Fargate before its time is up."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Any, Protocol

import boto3

from . import log
from .dap_client import described
from .database import login, trust_rds
from .parameters import api_credentials
from .replication import ReplicatedTable, Result

logger = logging.getLogger(__name__)
HAND_OVER_SECONDS = 60.0
"""Before the end of its time the function stops what it does: views are put back, and the table is handed over."""


class LambdaInvocation(Protocol):
    """What Lambda says of the invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Until the function is ended."""
        ...


def handler(event: dict[str, Any], context: LambdaInvocation) -> Result:
    """The item of the state machine with its new state; `needs_task` when there was too little time."""
    log.set_up()
    trust_rds()
    table = ReplicatedTable(
        event["namespace"],
        event["table_name"],
        credentials=api_credentials(boto3.client("ssm")),
        login=login(boto3.client("secretsmanager")),
    )
    margin = float(os.environ.get("HAND_OVER_SECONDS", HAND_OVER_SECONDS))
    seconds = context.get_remaining_time_in_millis() / 1000 - margin
    return asyncio.run(_within(seconds, table))


async def _within(seconds: float, table: ReplicatedTable) -> Result:
    try:
        async with asyncio.timeout(seconds) as limit:
            result = await table.sync()
    except Exception as error:  # whatever is wrong with one table is data, and stops no other
        if limit.expired():  # libraries that are interrupted may raise anything
            result = table.result("sync", "needs_task", error=f"not done within {seconds:.0f} s")
        else:
            logger.exception("Failed", extra={"about": {"table": table.name}})
            result = table.result("sync", "failed", error=log.redacted(described(error)))
    logger.info(result["state"], extra={"about": result})
    return result
