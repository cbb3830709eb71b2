"""Auto Scaling.

* instance refreshes: StartInstanceRefresh and its like are missing (`aws_autoscaling_group` with `instance_refresh`)
* instances ignore the launch template's version the group names, and all run in its first subnet
* scaling policies: Enabled is missing, an empty predictive configuration is returned (`aws_autoscaling_policy`)
* lifecycle hooks: a role and a queue nobody named are returned (`aws_autoscaling_lifecycle_hook`)
* the default instance warm-up is not kept (`aws_autoscaling_group` with `default_instance_warmup`)
* notifications are missing (`aws_autoscaling_notification`)
"""

from __future__ import annotations

import itertools
import uuid
from typing import Any

from moto.autoscaling.exceptions import ValidationError
from moto.autoscaling.models import FakeAutoScalingGroup, FakeScalingPolicy, InstanceState, LifecycleHook
from moto.autoscaling.responses import AutoScalingResponse
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow

from emulator.gap import Gap
from emulator.store import Record, Shelf

GAP = Gap("autoscaling")

_refreshes: Shelf[str, list[Record]] = Shelf("autoscaling", "instance refreshes", counted=False)
_notifications: Shelf[tuple[str, str], list[str]] = Shelf("autoscaling", "notifications")


@GAP.action(AutoScalingResponse)
def start_instance_refresh(self: AutoScalingResponse) -> ActionResult:
    """Replace every instance at once, so that the group runs its current launch template version."""
    group = _group(self)
    replaced = [state.instance.id for state in list(group.instance_states)]
    for instance_id in replaced:
        self.autoscaling_backend.terminate_instance(instance_id, should_decrement=False)
    refresh = {
        "InstanceRefreshId": str(uuid.uuid4()),
        "AutoScalingGroupName": group.name,
        "Status": "Successful",
        "StartTime": utcnow(),
        "EndTime": utcnow(),
        "PercentageComplete": 100,
        "InstancesToUpdate": 0,
        "Preferences": self._get_param("Preferences") or {},
    }
    _refreshes.at(self).setdefault(group.name, []).insert(0, refresh)
    return ActionResult({"InstanceRefreshId": refresh["InstanceRefreshId"]})


@GAP.action(AutoScalingResponse)
def describe_instance_refreshes(self: AutoScalingResponse) -> ActionResult:
    wanted = self._get_param("InstanceRefreshIds") or []
    refreshes = _refreshes.at(self).get(_group(self).name, [])
    return ActionResult({"InstanceRefreshes": [r for r in refreshes if not wanted or r["InstanceRefreshId"] in wanted]})


@GAP.action(AutoScalingResponse)
def cancel_instance_refresh(self: AutoScalingResponse) -> ActionResult:
    """Refused as on AWS when none is in progress; here none ever is, since a refresh is over at once."""
    raise GAP.error("ActiveInstanceRefreshNotFound", f"No in progress instance refresh for {_group(self).name}")


@GAP.around(FakeAutoScalingGroup, "replace_autoscaling_group_instances")
def launch_as_the_group_says(
    original: Any, group: FakeAutoScalingGroup, count_needed: int, propagated_tags: dict[str, str]
) -> None:
    """Launch instances one by one into the group's emptiest subnet, with the template version the group names."""
    subnets = group.vpc_zone_identifier.split(",") if group.vpc_zone_identifier else []
    template = group.ec2_launch_template
    default_version = template.default_version_number if template else 1
    try:
        if template:
            template.default_version_number = template.get_version(group.launch_template_version).number
        for _ in range(count_needed):
            if subnets:
                used = [state.instance.subnet_id for state in group.instance_states]
                group.vpc_zone_identifier = min(subnets, key=used.count)
            original(group, 1, propagated_tags)
            launched: Any = group.instance_states[-1]
            launched.template_version = template.default_version_number if template else None
    finally:
        if template:
            template.default_version_number = default_version
        group.vpc_zone_identifier = ",".join(subnets) or None


@GAP.around(InstanceState, "launch_template")
def version_it_was_launched_with(original: Any, state: Any) -> dict[str, Any] | None:
    template: dict[str, Any] | None = original(state)
    launched = getattr(state, "template_version", None)
    return {**template, "Version": str(launched)} if template and launched else template


@GAP.around(AutoScalingResponse, "create_auto_scaling_group")
@GAP.around(AutoScalingResponse, "update_auto_scaling_group")
def group_with_its_warmup(original: Any, response: AutoScalingResponse) -> ActionResult:
    result: ActionResult = original(response)
    warmup = response._get_int_param("DefaultInstanceWarmup")
    if warmup is not None:
        kept: Any = _group(response)
        kept.default_instance_warmup = warmup
    return result


@GAP.around(FakeScalingPolicy, "__init__")
def scaling_policy_as_aws_reports_it(original: Any, policy: Any, *args: Any, **kwargs: Any) -> None:
    original(policy, *args, **kwargs)
    policy.enabled = True
    policy.predictive_scaling_configuration = policy.predictive_scaling_configuration or None


@GAP.around(LifecycleHook, "__init__")
def hook_without_invented_targets(original: Any, hook: Any, *args: Any, **kwargs: Any) -> None:
    original(hook, *args, **kwargs)
    hook.role_arn = hook.notification_target_arn = None


@GAP.action(AutoScalingResponse)
def put_notification_configuration(self: AutoScalingResponse) -> ActionResult:
    key = (_group(self).name, self._get_param("TopicARN"))
    _notifications.at(self)[key] = list(self._get_param("NotificationTypes") or [])
    return EmptyResult()


@GAP.action(AutoScalingResponse)
def describe_notification_configurations(self: AutoScalingResponse) -> ActionResult:
    wanted = self._get_param("AutoScalingGroupNames") or []
    kept = _notifications.at(self).items()
    pairs = itertools.chain.from_iterable(((key, kind) for kind in kinds) for key, kinds in kept)
    return ActionResult(
        {
            "NotificationConfigurations": [
                {"AutoScalingGroupName": group, "TopicARN": topic, "NotificationType": kind}
                for (group, topic), kind in pairs
                if not wanted or group in wanted
            ]
        }
    )


@GAP.action(AutoScalingResponse)
def delete_notification_configuration(self: AutoScalingResponse) -> ActionResult:
    _notifications.at(self).pop((self._get_param("AutoScalingGroupName"), self._get_param("TopicARN")), None)
    return EmptyResult()


def _group(response: AutoScalingResponse) -> FakeAutoScalingGroup:
    name = response._get_param("AutoScalingGroupName")
    groups = response.autoscaling_backend.autoscaling_groups
    if name not in groups:
        raise ValidationError(f"AutoScalingGroup name not found - null, {name}")
    return groups[name]
