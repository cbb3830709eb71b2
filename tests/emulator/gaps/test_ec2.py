"""EC2: monitoring, launch templates and DHCP options come back as they were given."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Aws = Callable[..., Any]
IMAGE = "ami-12c6146b"  # one of those moto brings
TAGS = [{"Key": "Project", "Value": "p"}]


def test_monitoring_can_be_switched_on_and_off(aws: Aws) -> None:
    ec2 = aws("ec2")
    instance = ec2.run_instances(ImageId=IMAGE, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    for change, state in ((ec2.monitor_instances, "enabled"), (ec2.unmonitor_instances, "disabled")):
        answer = change(InstanceIds=[instance])["InstanceMonitorings"]
        assert answer == [{"InstanceId": instance, "Monitoring": {"State": state}}]
        described = ec2.describe_instances(InstanceIds=[instance])["Reservations"][0]["Instances"][0]
        assert described["Monitoring"]["State"] == state


def test_a_templates_own_tags_are_not_in_its_data(aws: Aws) -> None:
    ec2 = aws("ec2")
    made = ec2.create_launch_template(
        LaunchTemplateName="web",
        LaunchTemplateData={"TagSpecifications": [{"ResourceType": "instance", "Tags": TAGS}]},
        TagSpecifications=[{"ResourceType": "launch-template", "Tags": TAGS}],
    )["LaunchTemplate"]
    assert made["Tags"] == TAGS
    version = ec2.describe_launch_template_versions(LaunchTemplateId=made["LaunchTemplateId"], Versions=["1"])
    data = version["LaunchTemplateVersions"][0]["LaunchTemplateData"]
    assert [s["ResourceType"] for s in data["TagSpecifications"]] == ["instance"]


@pytest.mark.parametrize("specification", [[], [{"ResourceType": "dhcp-options", "Tags": TAGS}]])
def test_dhcp_options_keep_their_tags(aws: Aws, specification: list[dict[str, Any]]) -> None:
    made = aws("ec2").create_dhcp_options(
        DhcpConfigurations=[{"Key": "domain-name", "Values": ["internal"]}], TagSpecifications=specification
    )["DhcpOptions"]
    described = aws("ec2").describe_dhcp_options(DhcpOptionsIds=[made["DhcpOptionsId"]])["DhcpOptions"][0]
    assert described["Tags"] == (TAGS if specification else [])


def test_a_load_balancer_is_active_at_once(aws: Aws) -> None:
    ec2 = aws("ec2")
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"][:2]]
    made = aws("elbv2").create_load_balancer(Name="web", Subnets=subnets)["LoadBalancers"][0]
    assert made["State"]["Code"] == "active"


def test_a_classic_load_balancer_has_awss_health_check_and_keeps_its_draining_timeout(aws: Aws) -> None:
    elb = aws("elb")
    elb.create_load_balancer(
        LoadBalancerName="classic",
        AvailabilityZones=["eu-central-1a"],
        Listeners=[{"Protocol": "http", "LoadBalancerPort": 80, "InstancePort": 8080}],
    )
    described = elb.describe_load_balancers(LoadBalancerNames=["classic"])["LoadBalancerDescriptions"][0]
    assert described["HealthCheck"]["Target"] == "TCP:8080"
    for draining in ({"Enabled": True, "Timeout": 60}, {"Enabled": True}):
        elb.modify_load_balancer_attributes(
            LoadBalancerName="classic", LoadBalancerAttributes={"ConnectionDraining": draining}
        )
    attributes = elb.describe_load_balancer_attributes(LoadBalancerName="classic")["LoadBalancerAttributes"]
    assert attributes["ConnectionDraining"] == {"Enabled": True, "Timeout": 60}


def test_a_zone_with_a_vpc_is_private(aws: Aws) -> None:
    vpc = aws("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    zone = aws("route53").create_hosted_zone(
        Name="internal.example.org", CallerReference="x", VPC={"VPCRegion": "eu-central-1", "VPCId": vpc}
    )["HostedZone"]
    described = aws("route53").get_hosted_zone(Id=zone["Id"])
    assert described["HostedZone"]["Config"]["PrivateZone"] is True
    assert [found["VPCId"] for found in described["VPCs"]] == [vpc]
