"""Auto Scaling groups run what they say, where they say, and can be refreshed."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Aws = Callable[..., Any]
IMAGE = "ami-12c6146b"  # one of those moto brings


@pytest.fixture
def subnets(aws: Aws) -> list[str]:
    ec2 = aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    made = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"eu-central-1{zone}")
        for number, zone in enumerate("abc")
    ]
    return [subnet["Subnet"]["SubnetId"] for subnet in made]


@pytest.fixture
def template(aws: Aws) -> str:
    made = aws("ec2").create_launch_template(
        LaunchTemplateName="web", LaunchTemplateData={"ImageId": IMAGE, "InstanceType": "t3.micro"}
    )
    template_id: str = made["LaunchTemplate"]["LaunchTemplateId"]
    return template_id


@pytest.fixture
def group(aws: Aws, subnets: list[str], template: str) -> str:
    aws("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName="web",
        MinSize=3,
        MaxSize=6,
        LaunchTemplate={"LaunchTemplateId": template, "Version": "1"},
        VPCZoneIdentifier=",".join(subnets),
    )
    return "web"


def _instances(aws: Aws) -> list[dict[str, Any]]:
    described = aws("autoscaling").describe_auto_scaling_groups(AutoScalingGroupNames=["web"])
    instances: list[dict[str, Any]] = described["AutoScalingGroups"][0]["Instances"]
    return instances


def test_instances_spread_over_the_subnets(aws: Aws, group: str) -> None:
    zones = sorted(instance["AvailabilityZone"] for instance in _instances(aws))
    assert zones == ["eu-central-1a", "eu-central-1b", "eu-central-1c"]


def test_a_refresh_replaces_every_instance_by_the_new_template_version(aws: Aws, group: str, template: str) -> None:
    before = {instance["InstanceId"] for instance in _instances(aws)}
    user_data = base64.b64encode(b"#!/bin/sh\n").decode()
    aws("ec2").create_launch_template_version(
        LaunchTemplateId=template, SourceVersion="1", LaunchTemplateData={"UserData": user_data}
    )
    aws("autoscaling").update_auto_scaling_group(
        AutoScalingGroupName=group, LaunchTemplate={"LaunchTemplateId": template, "Version": "2"}
    )
    refresh = aws("autoscaling").start_instance_refresh(AutoScalingGroupName=group)["InstanceRefreshId"]

    refreshes = aws("autoscaling").describe_instance_refreshes(AutoScalingGroupName=group)["InstanceRefreshes"]
    assert [(r["InstanceRefreshId"], r["Status"]) for r in refreshes] == [(refresh, "Successful")]
    after = _instances(aws)
    assert len(after) == 3
    assert before.isdisjoint(instance["InstanceId"] for instance in after)
    assert {instance["LaunchTemplate"]["Version"] for instance in after} == {"2"}
    with pytest.raises(ClientError, match="ActiveInstanceRefreshNotFound"):
        aws("autoscaling").cancel_instance_refresh(AutoScalingGroupName=group)


def test_a_scaling_policy_is_enabled_and_has_no_predictive_part(aws: Aws, group: str) -> None:
    aws("autoscaling").put_scaling_policy(
        AutoScalingGroupName=group,
        PolicyName="cpu",
        PolicyType="TargetTrackingScaling",
        TargetTrackingConfiguration={
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
            "TargetValue": 60,
        },
    )
    policy = aws("autoscaling").describe_policies(AutoScalingGroupName=group)["ScalingPolicies"][0]
    assert policy["Enabled"] is True
    assert "PredictiveScalingConfiguration" not in policy


def test_a_lifecycle_hook_has_no_invented_targets(aws: Aws, group: str) -> None:
    aws("autoscaling").put_lifecycle_hook(
        AutoScalingGroupName=group,
        LifecycleHookName="drain",
        LifecycleTransition="autoscaling:EC2_INSTANCE_TERMINATING",
    )
    hook = aws("autoscaling").describe_lifecycle_hooks(AutoScalingGroupName=group)["LifecycleHooks"][0]
    assert "RoleARN" not in hook
    assert "NotificationTargetARN" not in hook


def test_notifications_are_kept(aws: Aws, group: str) -> None:
    autoscaling = aws("autoscaling")
    topic = aws("sns").create_topic(Name="alarms")["TopicArn"]
    kinds = ["autoscaling:EC2_INSTANCE_LAUNCH_ERROR", "autoscaling:EC2_INSTANCE_TERMINATE_ERROR"]
    autoscaling.put_notification_configuration(AutoScalingGroupName=group, TopicARN=topic, NotificationTypes=kinds)
    kept = autoscaling.describe_notification_configurations(AutoScalingGroupNames=[group])
    assert [entry["NotificationType"] for entry in kept["NotificationConfigurations"]] == kinds
    autoscaling.delete_notification_configuration(AutoScalingGroupName=group, TopicARN=topic)
    assert not autoscaling.describe_notification_configurations()["NotificationConfigurations"]


def test_targets_keep_their_scaling_tags(aws: Aws) -> None:
    scaling = aws("application-autoscaling")
    target = {"ServiceNamespace": "ecs", "ResourceId": "service/c/s", "ScalableDimension": "ecs:service:DesiredCount"}
    aws("ecs").create_cluster(clusterName="c")
    _service(aws)
    arn = scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=4, Tags={"Project": "p"})[
        "ScalableTargetARN"
    ]
    scaling.tag_resource(ResourceARN=arn, Tags={"Owner": "o"})
    scaling.untag_resource(ResourceARN=arn, TagKeys=["Project"])
    assert scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"Owner": "o"}


def test_a_service_is_steady_at_once_and_keeps_its_settings(aws: Aws) -> None:
    aws("ecs").create_cluster(clusterName="c")
    _service(aws, healthCheckGracePeriodSeconds=30, availabilityZoneRebalancing="ENABLED")
    service = aws("ecs").describe_services(cluster="c", services=["s"])["services"][0]
    assert (service["runningCount"], service["pendingCount"]) == (2, 0)
    assert [deployment["rolloutState"] for deployment in service["deployments"]] == ["COMPLETED"]
    assert service["healthCheckGracePeriodSeconds"] == 30
    assert service["availabilityZoneRebalancing"] == "ENABLED"


def _service(aws: Aws, **settings: Any) -> None:
    container = {"name": "app", "image": "app:1", "memory": 128}
    aws("ecs").register_task_definition(family="t", containerDefinitions=[container])
    aws("ecs").create_service(cluster="c", serviceName="s", taskDefinition="t", desiredCount=2, **settings)
