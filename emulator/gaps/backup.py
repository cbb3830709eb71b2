"""AWS Backup.

* selections are missing, their URL is taken for a plan's (`aws_backup_selection`)
* recovery points cannot be listed; there never are any (`aws_backup_vault` with `force_destroy`)
* tags are looked up by a path with a trailing slash, which the Go SDK does not send (`aws_backup_vault`, `_plan`)
"""

from __future__ import annotations

import json
import time
import uuid
from typing import Any
from urllib.parse import unquote

from moto.backup import urls
from moto.backup.responses import BackupResponse
from moto.core.exceptions import JsonRESTError

from emulator.gap import Gap
from emulator.store import Record, Shelf

GAP = Gap("backup")

_selections: Shelf[tuple[str, str], Record] = Shelf("backup", "selections")
"""(plan id, selection id) → selection as AWS returns it."""

_ANY_PLAN = "{0}/backup/plans/(?P<name>.+)/?$"


@GAP.also
def routes() -> None:
    """Let the selections' paths come before the one that takes all there is below a plan; add recovery points."""
    handler = urls.url_paths.pop(_ANY_PLAN)
    urls.url_paths["{0}/backup/plans/(?P<name>[^/]+)/selections/?$"] = handler
    urls.url_paths["{0}/backup/plans/(?P<name>[^/]+)/selections/(?P<selection>[^/]+)/?$"] = handler
    urls.url_paths[_ANY_PLAN] = handler
    urls.url_paths["{0}/backup-vaults/(?P<name>[^/]+)/recovery-points/$"] = handler


@GAP.action(BackupResponse)
def create_backup_selection(self: BackupResponse) -> str:
    plan_id = _ids(self)[0]
    selection: Record = {
        "SelectionId": str(uuid.uuid4()),
        "BackupPlanId": plan_id,
        "CreationDate": time.time(),
        "BackupSelection": json.loads(self.body)["BackupSelection"],
    }
    _selections.at(self)[plan_id, selection["SelectionId"]] = selection
    return json.dumps({key: value for key, value in selection.items() if key != "BackupSelection"})


@GAP.action(BackupResponse)
def get_backup_selection(self: BackupResponse) -> str:
    return json.dumps(_selection(self))


@GAP.action(BackupResponse)
def delete_backup_selection(self: BackupResponse) -> str:
    _selection(self)
    del _selections.at(self)[_ids(self)]
    return "{}"


@GAP.action(BackupResponse)
def list_backup_selections(self: BackupResponse) -> str:
    plan_id = _ids(self)[0]
    found = [selection for (plan, _), selection in _selections.at(self).items() if plan == plan_id]
    listed = [{**s, "SelectionName": s["BackupSelection"]["SelectionName"]} for s in found]
    return json.dumps({"BackupSelectionsList": listed})


@GAP.action(BackupResponse)
def list_recovery_points_by_backup_vault(self: BackupResponse) -> str:
    return json.dumps({"RecoveryPoints": []})


@GAP.around(BackupResponse, "list_tags")
def tags_with_or_without_a_slash(original: Any, response: BackupResponse) -> str:
    del original
    arn = unquote(response.path.partition("/tags/")[2].rstrip("/"))
    return json.dumps({"Tags": response.backup_backend.list_tags(resource_arn=arn)})


def _ids(response: BackupResponse) -> tuple[str, str]:
    """Plan and selection id, from /backup/plans/PLAN/selections/SELECTION."""
    parts = [part for part in response.path.split("/") if part]
    return parts[2], parts[4] if len(parts) > 4 else ""


def _selection(response: BackupResponse) -> Record:
    try:
        return _selections.at(response)[_ids(response)]
    except KeyError:
        raise JsonRESTError("ResourceNotFoundException", "Cannot find Backup plan selection") from None
