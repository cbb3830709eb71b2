"""The function `list_tables`: which tables there are to refresh."""

from __future__ import annotations

import logging
import os
from typing import Any

import boto3

from . import log
from .dap_http import Api
from .parameters import api_credentials

logger = logging.getLogger(__name__)


def handler(event: dict[str, Any], context: object) -> dict[str, list[dict[str, str]]]:
    """Every table of NAMESPACES but SKIP_TABLES, each as the item that the state machine maps over.

    `{"tables": ["users"]}` in the execution's input asks for these tables only.
    """
    del context
    log.set_up()
    api = Api(os.environ["DAP_API_URL"], api_credentials(boto3.client("ssm")))
    skipped = set(filter(None, os.environ.get("SKIP_TABLES", "").split(",")))
    wanted = set(event.get("tables") or ())
    items = [
        {"namespace": namespace, "table_name": table, "state": "needs_sync"}
        for namespace in os.environ["NAMESPACES"].split(",")
        for table in sorted(api.tables(namespace))
        if table not in skipped and (not wanted or table in wanted)
    ]
    logger.info("Listed", extra={"about": {"tables": len(items), "skipped": sorted(skipped)}})
    return {"tables": items}
