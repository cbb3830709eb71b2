from __future__ import annotations

from modules.interface_endpoints import InterfaceEndpoints
from modules.network import Network
from tests.modules.peer import Peer
from tests.modules.synth import NETWORK, assert_subset, sample_stack, synthesised


def test_each_service_has_an_endpoint_that_its_usual_name_leads_to() -> None:
    stack = sample_stack()
    network = Network(stack, "network", name="sample", settings=NETWORK)
    InterfaceEndpoints(stack, "doors", name="sample-doors", network=network, services=["ssm", "ecr.api"])
    found = synthesised(stack)
    interfaces = {
        name: endpoint
        for name, endpoint in found.resources("aws_vpc_endpoint").items()
        if endpoint["vpc_endpoint_type"] == "Interface"
    }
    assert set(interfaces) == {"doors_ssm", "doors_ecr_api"}
    assert_subset(
        interfaces["doors_ecr_api"],
        {
            "service_name": "com.amazonaws.eu-central-1.ecr.api",
            "private_dns_enabled": True,
            "subnet_ids": ["${aws_subnet.network_private_a.id}", "${aws_subnet.network_private_b.id}"],
            "security_group_ids": ["${aws_security_group.doors_security_group.id}"],
        },
    )


def test_only_allowed_peers_reach_them_over_https() -> None:
    stack = sample_stack()
    network = Network(stack, "network", name="sample", settings=NETWORK)
    doors = InterfaceEndpoints(stack, "doors", name="sample-doors", network=network, services=["ssm"])
    assert not synthesised(stack).resources("aws_vpc_security_group_ingress_rule")
    doors.connections.allow_from(Peer(stack, "web"))
    (rule,) = synthesised(stack).resources("aws_vpc_security_group_ingress_rule").values()
    assert_subset(
        rule,
        {
            "security_group_id": "${aws_security_group.doors_security_group.id}",
            "referenced_security_group_id": "${aws_security_group.web_security_group.id}",
            "from_port": 443,
            "to_port": 443,
        },
    )
