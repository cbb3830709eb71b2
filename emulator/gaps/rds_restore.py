"""RDS instances that are restored and renamed.

* a restored instance has the source's managed password and monitoring; AWS restores PostgreSQL without them
* one restored to a point in time passes for a replica of its source
* a renamed instance silently takes the place of another that has the name
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.rds.exceptions import DBInstanceAlreadyExists
from moto.rds.models import DBInstance, RDSBackend
from moto.rds.responses import RDSResponse

from emulator.gap import Gap

GAP = Gap("rds")


@GAP.around(RDSResponse, "restore_db_instance_from_db_snapshot")
def restored_from_a_snapshot(original: Any, response: RDSResponse) -> ActionResult:
    return _as_aws_restores(original(response))


@GAP.around(RDSResponse, "restore_db_instance_to_point_in_time")
def restored_to_a_point_in_time(original: Any, response: RDSResponse) -> ActionResult:
    return _as_aws_restores(original(response))


@GAP.around(RDSBackend, "modify_db_instance")
def renamed_to_a_free_name(
    original: Any, backend: RDSBackend, db_instance_identifier: str, db_kwargs: dict[str, Any]
) -> DBInstance:
    taken = db_kwargs.get("new_db_instance_identifier")
    if taken and taken != db_instance_identifier and taken in backend.databases:
        raise DBInstanceAlreadyExists
    modified: DBInstance = original(backend, db_instance_identifier, db_kwargs)
    return modified


def _as_aws_restores(result: ActionResult) -> ActionResult:
    body: Any = result.result
    instance = body["DBInstance"]
    if instance.manage_master_user_password:
        instance.master_user_secret.delete_secret()
        del instance.master_user_secret
        instance.manage_master_user_password = False
    instance.source_db_instance_identifier = None
    instance.monitoring_interval = 0
    instance.monitoring_role_arn = None
    return result
