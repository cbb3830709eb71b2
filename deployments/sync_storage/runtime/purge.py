"""Deletes expired rows from the databases of every node, and counts them. Runs as a Lambda function, by a schedule.

The application never returns an expired row and never deletes one. Its own script, purgettl.py, ends with 0 and says
nothing even when it reached no database; so this function counts, and fails when a node was left out or rows remain.

Environment: `NODES_PATH`, below which the nodes' entries are in the Parameter Store; `APPLICATION_SECRET`, the login.
"""

from __future__ import annotations

import json
import os
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import boto3
import pymysql

GRACE_SECONDS = 86_400
"""A row is deleted a day after it expired, as purgettl.py has it."""
BATCH_LIFETIME_SECONDS = 7_200
"""An upload in parts that is not committed by then can be no more (syncstorage/storage/__init__.py, 4b0aaaa)."""
ROWS_AT_ONCE = 1_000
NODES_AT_ONCE = 16
SPARE_SECONDS = 30.0
"""Left for the last statement and the answer."""
EXPIRED = {
    "bso": "ttl < %(now)s - %(grace)s",
    "batch_uploads": "batch < (%(now)s - %(lifetime)s - %(grace)s) * 1000",
    "batch_upload_items": "batch < (%(now)s - %(lifetime)s - %(grace)s) * 1000",
}
"""Table → which of its rows are expired; a batch is named by the millisecond at which it began."""


class PurgeError(Exception):
    """Rows remain; the message says where and why."""


def handle(_event: object, context: Any) -> dict[str, Any]:
    """Lambda's entry: purges all nodes, then raises PurgeError when one of them still holds expired rows."""
    give_up = time.monotonic() + context.get_remaining_time_in_millis() / 1000 - SPARE_SECONDS
    manager = boto3.client("secretsmanager")
    try:
        login = json.loads(manager.get_secret_value(SecretId=os.environ["APPLICATION_SECRET"])["SecretString"])
    except manager.exceptions.ResourceNotFoundException:  # no node is in service yet
        return {"purged": {}}
    entries = nodes(boto3.client("ssm"), os.environ["NODES_PATH"])

    def purged(node: str) -> tuple[int, str]:
        try:
            deleted, left = purge_node(entries[node], login, int(time.time()), give_up)
        except pymysql.MySQLError as error:
            return 0, f"{node}: {error}"
        return deleted, f"{node}: {left} expired rows are left, the time is over" if left else ""

    with ThreadPoolExecutor(NODES_AT_ONCE) as pool:
        results = dict(zip(entries, pool.map(purged, entries), strict=True))
    answer = {node: deleted for node, (deleted, _) in results.items()}
    print(json.dumps({"purged": answer}))  # noqa: T201 - into the function's log
    if failures := [failure for _, failure in results.values() if failure]:
        raise PurgeError("; ".join(failures))
    return {"purged": answer}


def nodes(ssm: Any, path: str) -> dict[str, dict[str, Any]]:
    """Every node's entry, by name."""
    pages = ssm.get_paginator("get_parameters_by_path").paginate(Path=path)
    found = [parameter for page in pages for parameter in page["Parameters"]]
    return {parameter["Name"].rpartition("/")[2]: json.loads(parameter["Value"]) for parameter in found}


def purge_node(node: dict[str, Any], login: dict[str, str], now: int, give_up: float) -> tuple[int, int]:
    """Deletes until nothing expired is left or the time is over; returns how many rows went, and how many are left."""
    values = {"now": now, "grace": GRACE_SECONDS, "lifetime": BATCH_LIFETIME_SECONDS}
    deleted = left = 0
    connection = pymysql.connect(
        host=node["address"],
        port=node["port"],
        user=login["username"],
        password=login["password"],
        autocommit=True,
        connect_timeout=10,
        read_timeout=60,
        ssl=_encrypted(),
    )
    with connection, connection.cursor() as cursor:
        for number in range(len(node["host_names"])):
            for table, condition in EXPIRED.items():
                place = f"syncstorage{number}.{table} WHERE {condition}"
                more = True
                while more and time.monotonic() < give_up:
                    rows = cursor.execute(f"DELETE FROM {place} LIMIT {ROWS_AT_ONCE}", values)  # noqa: S608 - constants
                    deleted += rows
                    more = rows == ROWS_AT_ONCE
                if more:
                    cursor.execute(f"SELECT COUNT(*) FROM {place}", values)  # noqa: S608 - constants
                    left += cursor.fetchone()[0]
    return deleted, left


def _encrypted() -> ssl.SSLContext:
    context = ssl.create_default_context()
    # RDS's certificates come from an authority of its own that Lambda does not know; the network path is ours
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
