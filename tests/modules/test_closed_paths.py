"""Pages that are not for everybody."""

from __future__ import annotations

import pytest

from config.components import LoadBalancerSettings
from modules.closed_paths import ClosedPaths
from modules.load_balancer import LoadBalancer
from modules.network import Network
from tests.modules.synth import NETWORK, sample_stack


def test_paths_cannot_be_closed_before_requests_are_forwarded() -> None:
    stack = sample_stack()
    balancer = LoadBalancer(
        stack,
        "load_balancer",
        name="sample-lb",
        network=Network(stack, "network", name="sample", settings=NETWORK),
        settings=LoadBalancerSettings(reasons={"dns": "there is no domain for samples"}),
    )
    with pytest.raises(Exception, match="forwards to nobody yet"):
        ClosedPaths(stack, "closed_paths", load_balancer=balancer, paths=["/logs"])
