from __future__ import annotations

import json
import re

import pytest

from config.components import AdoptedNetwork, OwnNetwork
from modules.network import Network
from tests.modules.synth import ABSENT, NETWORK, Synthesised, assert_subset, sample_stack, synthesised

ADOPTED = AdoptedNetwork(
    vpc_id="vpc-0a1b2c3d4e5f60718",
    public_subnet_ids={"eu-central-1b": "subnet-0000000000000000b"},
    private_subnet_ids={"eu-central-1b": "subnet-1111111111111111b", "eu-central-1a": "subnet-1111111111111111a"},
)


def network(**changes: object) -> Synthesised:
    stack = sample_stack()
    Network(stack, "network", name="sample-test-network", settings=NETWORK.model_copy(update=changes))
    return synthesised(stack)


def blocks(result: Synthesised) -> dict[str, str]:
    return {name: subnet["cidr_block"] for name, subnet in result.resources("aws_subnet").items()}


def test_every_zone_has_a_public_and_a_private_subnet():
    result = network()
    assert_subset(
        result.resource("aws_subnet.network_public_a"),
        {"availability_zone": "eu-central-1a", "cidr_block": "10.20.0.0/20", "map_public_ip_on_launch": False},
    )
    assert_subset(
        result.resource("aws_subnet.network_private_b"),
        {"availability_zone": "eu-central-1b", "cidr_block": "10.20.144.0/20", "map_public_ip_on_launch": False},
    )
    assert len(result.resources("aws_subnet")) == 4


@pytest.mark.parametrize("zones", ["ac", "ab", "abc", "cb"])
def test_naming_other_zones_moves_no_subnet(zones: str):
    few = blocks(network(availability_zones=tuple(f"eu-central-1{letter}" for letter in zones)))
    all_of_them = blocks(network(availability_zones=tuple(f"eu-central-1{letter}" for letter in "abcdef")))
    assert few == {name: all_of_them[name] for name in few}


def test_the_smallest_vpc_has_room_for_six_zones():
    zones = tuple(f"eu-central-1{letter}" for letter in "abcdef")
    found = blocks(network(cidr_block="10.0.0.0/22", availability_zones=zones))
    assert len(set(found.values())) == 12
    assert found["network_private_f"] == "10.0.3.64/26"


def test_names_inside_the_vpc_resolve():
    assert_subset(network().resource("aws_vpc.network"), {"enable_dns_support": True, "enable_dns_hostnames": True})


def test_public_subnets_lead_to_the_internet_gateway():
    result = network()
    assert_subset(
        result.resource("aws_route_table_association.network_public_a_association"),
        {"route_table_id": "${aws_route_table.network_public_routes.id}"},
    )
    assert_subset(
        result.resource("aws_route.network_public_to_internet"),
        {
            "route_table_id": "${aws_route_table.network_public_routes.id}",
            "destination_cidr_block": "0.0.0.0/0",
            "gateway_id": "${aws_internet_gateway.network_internet_gateway.id}",
        },
    )


def nat_routes(result: Synthesised) -> dict[str, str]:
    """Route table → what its default route goes through."""
    return {
        route["route_table_id"].split(".")[1]: route["nat_gateway_id"].split(".")[1]
        for route in result.resources("aws_route").values()
        if "nat_gateway_id" in route
    }


def test_a_single_nat_gateway_in_the_first_zone_serves_every_private_subnet():
    result = network(nat="single")
    assert set(result.resources("aws_nat_gateway")) == {"network_nat_a"}
    assert nat_routes(result) == {
        "network_private_a_routes": "network_nat_a",
        "network_private_b_routes": "network_nat_a",
    }


def test_a_nat_gateway_per_zone_serves_its_own_zone():
    result = network(nat="per_az")
    assert nat_routes(result) == {
        "network_private_a_routes": "network_nat_a",
        "network_private_b_routes": "network_nat_b",
    }
    assert_subset(result.resource("aws_nat_gateway.network_nat_b"), {"subnet_id": "${aws_subnet.network_public_b.id}"})


def test_without_nat_private_subnets_have_no_way_out():
    result = network(nat="none")
    assert result.resources("aws_nat_gateway") == {}
    assert result.resources("aws_eip") == {}
    assert nat_routes(result) == {}


def test_s3_and_dynamodb_are_reached_without_the_internet():
    result = network(nat="none")
    for service in ("s3", "dynamodb"):
        assert_subset(
            result.resource(f"aws_vpc_endpoint.network_{service}_endpoint"),
            {
                "service_name": f"com.amazonaws.eu-central-1.{service}",
                "vpc_endpoint_type": "Gateway",
                "route_table_ids": [
                    "${aws_route_table.network_public_routes.id}",
                    "${aws_route_table.network_private_a_routes.id}",
                    "${aws_route_table.network_private_b_routes.id}",
                ],
            },
        )


def test_gateways_write_to_resources_of_this_account_only():
    result = network(nat="none")
    ours = {"StringEquals": {"aws:ResourceAccount": "111122223333"}}
    for service in ("s3", "dynamodb"):
        text = result.resource(f"aws_vpc_endpoint.network_{service}_endpoint")["policy"]
        for statement in json.loads(text)["Statement"]:
            free = [each for each in statement["Action"] if re.search("Put|Delete|Abort|Write|Update", each)]
            assert statement.get("Condition") == ours or not free


def test_the_default_security_group_lets_nothing_through():
    assert_subset(
        network().resource("aws_default_security_group.network_default_security_group"),
        {"vpc_id": "${aws_vpc.network.id}", "ingress": ABSENT, "egress": ABSENT},
    )


def test_all_traffic_is_logged_and_kept_as_long_as_the_settings_say():
    result = network(flow_log_retention_days=400)
    assert_subset(
        result.resource("aws_flow_log.network_flow_log"),
        {
            "traffic_type": "ALL",
            "vpc_id": "${aws_vpc.network.id}",
            "log_destination": "${aws_cloudwatch_log_group.network_flow_log_log_group.arn}",
        },
    )
    assert_subset(
        result.resource("aws_cloudwatch_log_group.network_flow_log_log_group"),
        {"name": "/quintet/sample-test-network/flow", "retention_in_days": 400},
    )


def test_only_flow_logs_of_this_account_may_write_them():
    result = network()
    role = result.resource("aws_iam_role.network_flow_log_role")
    assert '"aws:SourceAccount":"111122223333"' in role["assume_role_policy"]
    assert "vpc-flow-logs.amazonaws.com" in role["assume_role_policy"]
    assert_subset(
        result.policy("aws_iam_role_policy.network_flow_log_write")["WriteFlowLog"],
        {"Resource": ["${aws_cloudwatch_log_group.network_flow_log_log_group.arn}:*"]},
    )


def test_an_adopted_network_gets_no_resources():
    stack = sample_stack()
    found = Network(stack, "network", name="sample-test-network", settings=ADOPTED)
    assert synthesised(stack).addresses() == set()
    assert found.vpc_id == "vpc-0a1b2c3d4e5f60718"
    assert found.availability_zones == ("eu-central-1a", "eu-central-1b")
    assert found.private_subnet_ids == ["subnet-1111111111111111a", "subnet-1111111111111111b"]
    assert found.public_subnet_ids == ["subnet-0000000000000000b"]


def test_an_own_network_offers_its_subnets_in_the_order_of_its_zones():
    stack = sample_stack()
    zones = ("eu-central-1b", "eu-central-1a")
    own = Network(stack, "network", name="n", settings=OwnNetwork(cidr_block="10.0.0.0/16", availability_zones=zones))
    stack.output("private", ",".join(own.private_subnet_ids), description="In order")
    assert synthesised(stack).document["output"]["private"]["value"] == (
        "${aws_subnet.network_private_b.id},${aws_subnet.network_private_a.id}"
    )
