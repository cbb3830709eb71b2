"""Classic load balancers (`aws_elb`).

* without a health check moto returns none, on which the AWS provider panics and takes the whole run down
* a change of connection draining without a timeout resets the timeout to 300
"""

from __future__ import annotations

from typing import Any

from moto.elb.models import ELBBackend, FakeHealthCheck, LoadBalancer

from emulator.gap import Gap

GAP = Gap("elb")


@GAP.around(LoadBalancer, "__init__")
def with_aws_default_health_check(original: Any, balancer: LoadBalancer, *args: Any, **kwargs: Any) -> None:
    original(balancer, *args, **kwargs)
    if balancer.health_check is None:
        port = balancer.listeners[0].instance_port if balancer.listeners else 80
        balancer.health_check = FakeHealthCheck(
            timeout="5", healthy_threshold="10", unhealthy_threshold="2", interval="30", target=f"TCP:{port}"
        )


@GAP.around(LoadBalancer, "get_default_attributes")
def draining_off_by_default(original: Any, *_: Any) -> dict[str, Any]:
    attributes: dict[str, Any] = original()
    attributes["connection_draining"] = {"enabled": False, "timeout": 300}
    return attributes


@GAP.around(ELBBackend, "modify_load_balancer_attributes")
def keep_the_draining_timeout(original: Any, backend: ELBBackend, load_balancer_name: str, **changes: Any) -> None:
    draining: dict[str, Any] | None = changes.get("connection_draining")
    if draining:
        kept = backend.get_load_balancer(load_balancer_name).attributes["connection_draining"]["timeout"]
        asked = {"timeout" if name.lower() == "timeout" else name: value for name, value in draining.items()}
        changes["connection_draining"] = {"timeout": kept, **asked}
    original(backend, load_balancer_name, **changes)
