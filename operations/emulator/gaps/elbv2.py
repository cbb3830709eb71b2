"""Elastic Load Balancing v2: a new load balancer stays "provisioning" until it was described once.

`aws_lb` waits for "active" and polls a full round longer than needed.
"""

from __future__ import annotations

from typing import Any

from moto.elbv2.models import FakeLoadBalancer

from operations.emulator.gap import Gap

GAP = Gap("elbv2")


@GAP.around(FakeLoadBalancer, "__init__")
def active_at_once(original: Any, balancer: FakeLoadBalancer, *args: Any, **kwargs: Any) -> None:
    original(balancer, *args, **kwargs)
    balancer.state = "active"
