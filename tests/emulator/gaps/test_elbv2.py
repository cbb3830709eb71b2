"""Elastic Load Balancing v2: who is a target."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Aws = Callable[..., Any]


def test_an_instance_that_its_group_ends_is_no_target_any_more(aws: Aws) -> None:
    ec2, elb, autoscaling = aws("ec2"), aws("elbv2"), aws("autoscaling")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    subnet = ec2.describe_subnets()["Subnets"][0]
    arn = elb.create_target_group(Name="web", Protocol="HTTP", Port=80, VpcId=subnet["VpcId"])["TargetGroups"][0][
        "TargetGroupArn"
    ]
    ec2.create_launch_template(LaunchTemplateName="web", LaunchTemplateData={"ImageId": image})

    def group(name: str) -> None:
        autoscaling.create_auto_scaling_group(
            AutoScalingGroupName=name,
            LaunchTemplate={"LaunchTemplateName": "web", "Version": "$Latest"},
            MinSize=1,
            MaxSize=1,
            VPCZoneIdentifier=subnet["SubnetId"],
            TargetGroupARNs=[arn],
        )

    def healthy() -> int:
        found = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        return sum(target["TargetHealth"]["State"] == "healthy" for target in found)

    group("a")
    group("b")
    assert healthy() == 2
    autoscaling.delete_auto_scaling_group(AutoScalingGroupName="a", ForceDelete=True)
    assert healthy() == 1
