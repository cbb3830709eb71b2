"""CloudWatch Logs: saved queries are missing (`aws_cloudwatch_query_definition`)."""

from __future__ import annotations

import json
import uuid
from typing import Any

from moto.core.responses import ActionResult
from moto.logs.responses import LogsResponse

from emulator.gap import Gap
from emulator.store import Record, Shelf

GAP = Gap("logs")

_queries: Shelf[str, Record] = Shelf("logs", "saved queries")


@GAP.action(LogsResponse)
def put_query_definition(self: LogsResponse) -> ActionResult:
    query: dict[str, Any] = json.loads(self.body)
    query.setdefault("queryDefinitionId", str(uuid.uuid4()))
    _queries.at(self)[query["queryDefinitionId"]] = query
    return ActionResult({"queryDefinitionId": query["queryDefinitionId"]})


@GAP.action(LogsResponse)
def describe_query_definitions(self: LogsResponse) -> ActionResult:
    prefix = json.loads(self.body).get("queryDefinitionNamePrefix") or ""
    queries = _queries.at(self).values()
    return ActionResult({"queryDefinitions": [query for query in queries if query["name"].startswith(prefix)]})


@GAP.action(LogsResponse)
def delete_query_definition(self: LogsResponse) -> ActionResult:
    gone = _queries.at(self).pop(json.loads(self.body)["queryDefinitionId"], None)
    return ActionResult({"success": gone is not None})
