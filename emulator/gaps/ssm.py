"""Systems Manager.

* associations are missing (`aws_ssm_association`)
* patch baselines can be made but not read, and refuse tags (`aws_ssm_patch_baseline`); patch groups cannot be listed,
  and leaving one changes nothing (`aws_ssm_patch_group`)
* a maintenance window's task cannot be read or changed, its targets cannot be filtered
  (`aws_ssm_maintenance_window_task`, `aws_ssm_maintenance_window_target`)
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import camelcase_to_underscores, utcnow
from moto.ssm import models
from moto.ssm.models import FakeMaintenanceWindowTarget, FakeMaintenanceWindowTask, FakePatchGroup
from moto.ssm.models import SimpleSystemManagerBackend as Backend
from moto.ssm.responses import SimpleSystemManagerResponse

from emulator.gap import Gap
from emulator.store import Record, Shelf

GAP = Gap("ssm")

_associations: Shelf[str, Record] = Shelf("ssm", "associations")

_BASELINE_DEFAULTS = {
    "OperatingSystem": "WINDOWS",
    "ApprovedPatchesComplianceLevel": "UNSPECIFIED",
    "ApprovedPatchesEnableNonSecurity": False,
    "RejectedPatchesAction": "ALLOW_AS_DEPENDENCY",
}
_RULE_DEFAULTS = {"ComplianceLevel": "UNSPECIFIED", "EnableNonSecurity": False}


@GAP.action(SimpleSystemManagerResponse)
def create_association(self: SimpleSystemManagerResponse) -> ActionResult:
    asked = _asked(self)
    association: Record = {
        "DocumentVersion": "$DEFAULT",
        **{name: value for name, value in asked.items() if name != "Tags"},
        "AssociationId": str(uuid.uuid4()),
        "AssociationVersion": "1",
        "Date": utcnow(),
        "LastUpdateAssociationDate": utcnow(),
        "Overview": {"Status": "Success", "DetailedStatus": "Success"},
    }
    _associations.at(self)[association["AssociationId"]] = association
    tags = {tag["Key"]: tag["Value"] for tag in asked.get("Tags") or []}
    self.ssm_backend.add_tags_to_resource("Association", association["AssociationId"], tags)
    return ActionResult({"AssociationDescription": association})


@GAP.action(SimpleSystemManagerResponse)
def describe_association(self: SimpleSystemManagerResponse) -> ActionResult:
    return ActionResult({"AssociationDescription": _association(self)})


@GAP.action(SimpleSystemManagerResponse)
def update_association(self: SimpleSystemManagerResponse) -> ActionResult:
    association = _association(self)
    association |= _asked(self)
    association["AssociationVersion"] = str(int(association["AssociationVersion"]) + 1)
    association["LastUpdateAssociationDate"] = utcnow()
    return ActionResult({"AssociationDescription": association})


@GAP.action(SimpleSystemManagerResponse)
def delete_association(self: SimpleSystemManagerResponse) -> ActionResult:
    del _associations.at(self)[_association(self)["AssociationId"]]
    return EmptyResult()


@GAP.around(Backend, "_validate_resource_type_and_id")
def more_can_have_tags(original: Any, backend: Backend, resource_type: str, resource_id: str) -> str:
    associations = _associations.of(backend.account_id, backend.region_name)
    if resource_type == "Association" and resource_id in associations:
        return resource_id
    if resource_type == "PatchBaseline" and resource_id in backend.baselines:
        return resource_id
    known: str = original(backend, resource_type, resource_id)
    return known


@GAP.action(SimpleSystemManagerResponse)
def get_patch_baseline(self: SimpleSystemManagerResponse) -> ActionResult:
    baseline_id = self._get_param("BaselineId").split("/")[-1]
    if baseline_id not in self.ssm_backend.baselines:
        raise GAP.error("DoesNotExistException", f"Patch baseline {baseline_id} does not exist")
    kept = self.ssm_backend.baselines[baseline_id]
    given = {name: value for name, value in kept.to_json().items() if value is not None}
    rules = [_RULE_DEFAULTS | rule for rule in (kept.approval_rules or {}).get("PatchRules", [])]
    described: Record = _BASELINE_DEFAULTS | given
    described |= {
        "Name": kept.name,
        "Description": kept.description,
        "ApprovalRules": {"PatchRules": rules},
        "GlobalFilters": kept.global_filters or {"PatchFilters": []},
        "CreatedDate": utcnow(),
        "ModifiedDate": utcnow(),
    }
    return ActionResult(described)


@GAP.action(SimpleSystemManagerResponse)
def update_patch_baseline(self: SimpleSystemManagerResponse) -> ActionResult:
    baseline = self.ssm_backend.baselines[self._get_param("BaselineId")]
    for name, value in _asked(self).items():
        setattr(baseline, camelcase_to_underscores(name), value)
    return get_patch_baseline(self)


@GAP.action(SimpleSystemManagerResponse)
def describe_patch_groups(self: SimpleSystemManagerResponse) -> ActionResult:
    own = self.ssm_backend.baselines
    return ActionResult(
        {
            "Mappings": [
                {
                    "PatchGroup": name,
                    "BaselineIdentity": {
                        "BaselineId": baseline_id,
                        "BaselineName": own[baseline_id].name,
                        "OperatingSystem": own[baseline_id].operating_system,
                        "DefaultBaseline": False,
                    },
                }
                for name, group in self.ssm_backend.patch_groups.items()
                for baseline_id in group.associations.values()
                if baseline_id in own
            ]
        }
    )


@GAP.around(Backend, "deregister_patch_baseline_for_patch_group")
def leaving_a_patch_group(original: Any, backend: Backend, baseline_id: str, patch_group: str) -> Any:
    result = original(backend, baseline_id, patch_group)
    if patch_group in backend.patch_groups:
        operating_system = backend.baselines[baseline_id].operating_system
        defaults = FakePatchGroup(patch_group, backend.region_name).associations
        backend.patch_groups[patch_group].associations[operating_system] = defaults.get(operating_system, "")
    return result


@GAP.action(SimpleSystemManagerResponse)
def get_maintenance_window_task(self: SimpleSystemManagerResponse) -> ActionResult:
    return ActionResult(_window_task(self).to_json())


@GAP.action(SimpleSystemManagerResponse)
def update_maintenance_window_task(self: SimpleSystemManagerResponse) -> ActionResult:
    task = _window_task(self)
    for name, value in _asked(self).items():
        if name not in ("WindowId", "WindowTaskId", "Replace"):
            setattr(task, camelcase_to_underscores(name), value)
    return ActionResult(task.to_json())


@GAP.around(models, "_maintenance_window_target_filter_match")
def target_matches_its_filters(
    original: Any, filters: list[dict[str, Any]] | None, target: FakeMaintenanceWindowTarget
) -> bool:
    del original
    values = {"WindowTargetId": target.window_target_id, "OwnerInformation": target.owner_information}
    return all(values.get(condition["Key"]) in condition["Values"] for condition in filters or [])


def _asked(response: SimpleSystemManagerResponse) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(response.body)
    return body


def _association(response: SimpleSystemManagerResponse) -> Record:
    association_id = response._get_param("AssociationId")
    if association_id not in _associations.at(response):
        raise GAP.error("AssociationDoesNotExist", f"Association {association_id} does not exist.")
    return _associations.at(response)[association_id]


def _window_task(response: SimpleSystemManagerResponse) -> FakeMaintenanceWindowTask:
    window = response.ssm_backend.windows.get(response._get_param("WindowId"))
    task_id = response._get_param("WindowTaskId")
    if window is None or task_id not in window.tasks:
        raise GAP.error("DoesNotExistException", f"Maintenance window task {task_id} does not exist")
    return window.tasks[task_id]
