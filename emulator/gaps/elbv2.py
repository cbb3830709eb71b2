"""Elastic Load Balancing v2.

* a new load balancer stays "provisioning" until it was described once: `aws_lb` polls a round longer than needed
* an instance that its Auto Scaling group ends stays a healthy target for ever (`aws_autoscaling_group` with
  `target_group_arns`)
"""

from __future__ import annotations

from typing import Any

from moto.ec2.models.instances import InstanceBackend
from moto.elbv2.models import FakeLoadBalancer, elbv2_backends

from emulator.gap import Gap

GAP = Gap("elbv2")


@GAP.around(FakeLoadBalancer, "__init__")
def active_at_once(original: Any, balancer: FakeLoadBalancer, *args: Any, **kwargs: Any) -> None:
    original(balancer, *args, **kwargs)
    balancer.state = "active"


@GAP.around(InstanceBackend, "terminate_instances")
def no_target_once_it_ends(original: Any, backend: Any, instance_ids: list[str]) -> Any:
    ended = original(backend, instance_ids)
    elbv2_backends[backend.account_id][backend.region_name].notify_terminate_instances(instance_ids)
    return ended
