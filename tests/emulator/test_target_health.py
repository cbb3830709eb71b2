"""A target is healthy when the load balancer reaches it and what it boots from exists and may be read."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from emulator.server import Emulator

REGION = "eu-central-1"


@pytest.fixture(scope="module")
def lax(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator.start(log=tmp_path_factory.mktemp("emulator") / "log", target_health=False) as running:
        yield running


class Service:
    """A load balancer in front of one instance that boots from what `user_data` names."""

    def __init__(self, emulator: Emulator, account: str) -> None:
        self.emulator, self.account = emulator, account
        self.host = self.of("ec2").create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnets = [
            self.of("ec2").create_subnet(
                VpcId=self.host, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=REGION + zone
            )["Subnet"]["SubnetId"]
            for number, zone in enumerate("ab")
        ]
        self.groups = {
            name: self.of("ec2").create_security_group(GroupName=name, Description=name, VpcId=self.host)["GroupId"]
            for name in ("balancer", "web")
        }
        trust = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
        self.of("iam").create_role(RoleName="web", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))
        self.of("iam").create_instance_profile(InstanceProfileName="web")
        self.of("iam").add_role_to_instance_profile(InstanceProfileName="web", RoleName="web")

    def of(self, service: str) -> Any:
        keys = {"aws_access_key_id": self.account, "aws_secret_access_key": "emulator"}
        return boto3.client(service, endpoint_url=self.emulator.endpoint, region_name=REGION, **keys)

    def open(self) -> None:
        pair = [{"GroupId": self.groups["balancer"]}]
        rule = {"IpProtocol": "tcp", "FromPort": 80, "ToPort": 80, "UserIdGroupPairs": pair}
        self.of("ec2").authorize_security_group_ingress(GroupId=self.groups["web"], IpPermissions=[rule])

    def allow(self, action: str, resource: str) -> None:
        statement = {"Effect": "Allow", "Action": action, "Resource": resource}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        name = action.partition(":")[2]
        self.of("iam").put_role_policy(RoleName="web", PolicyName=name, PolicyDocument=document)

    def start(self, user_data: str) -> None:
        """The instance, in an Auto Scaling group behind the load balancer."""
        balancer = self.of("elbv2").create_load_balancer(
            Name="b", Subnets=self.subnets, SecurityGroups=[self.groups["balancer"]]
        )["LoadBalancers"][0]["LoadBalancerArn"]
        self.target_group = self.of("elbv2").create_target_group(Name="t", Protocol="HTTP", Port=80, VpcId=self.host)[
            "TargetGroups"
        ][0]["TargetGroupArn"]
        forward = [{"Type": "forward", "TargetGroupArn": self.target_group}]
        self.of("elbv2").create_listener(LoadBalancerArn=balancer, Port=80, Protocol="HTTP", DefaultActions=forward)
        image = self.of("ec2").describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
        self.of("ec2").create_launch_template(
            LaunchTemplateName="web",
            LaunchTemplateData={
                "ImageId": image,
                "InstanceType": "t3.micro",
                "IamInstanceProfile": {"Name": "web"},
                "SecurityGroupIds": [self.groups["web"]],
                "UserData": base64.b64encode(gzip.compress(user_data.encode())).decode(),
            },
        )
        self.of("autoscaling").create_auto_scaling_group(
            AutoScalingGroupName="web",
            LaunchTemplate={"LaunchTemplateName": "web", "Version": "$Latest"},
            MinSize=1,
            MaxSize=1,
            VPCZoneIdentifier=self.subnets[0],
            TargetGroupARNs=[self.target_group],
        )

    def health(self) -> str:
        """`healthy`, or the reason why not."""
        found = self.of("elbv2").describe_target_health(TargetGroupArn=self.target_group)["TargetHealthDescriptions"]
        health = found[0]["TargetHealth"]
        return str(health.get("Description") or health["State"])


@pytest.fixture
def service(emulator: Emulator, account: str) -> Service:
    return Service(emulator, account)


def test_a_target_is_reached_by_its_load_balancer_or_is_unhealthy_with_the_reason(service: Service) -> None:
    service.start("#!/bin/sh")
    assert service.health() == "no security group of the instance lets b reach port 80"
    listed = [each for each in service.emulator.status()["unhealthy"] if each["account_id"] == service.account]
    assert [(each["target_group"], each["reason"]) for each in listed] == [("t", service.health())]
    service.open()
    assert service.health() == "healthy"
    assert [e for e in service.emulator.status()["unhealthy"] if e["account_id"] == service.account] == []


def test_a_rule_for_another_port_lets_nobody_in(service: Service) -> None:
    service.start("#!/bin/sh")
    block = [{"CidrIp": "10.0.0.0/16"}]
    rule = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": block}
    service.of("ec2").authorize_security_group_ingress(GroupId=service.groups["web"], IpPermissions=[rule])
    assert "port 80" in service.health()
    rule = {"IpProtocol": "-1", "IpRanges": block}
    service.of("ec2").authorize_security_group_ingress(GroupId=service.groups["web"], IpPermissions=[rule])
    assert service.health() == "healthy"


def _image(service: Service) -> str:
    uri = service.of("ecr").create_repository(repositoryName="web")["repository"]["repositoryUri"]
    return f'"{uri}:1.2"'


def _push(service: Service) -> None:
    media = "application/vnd.oci.image.manifest.v1+json"
    manifest = json.dumps({"schemaVersion": 2, "mediaType": media, "layers": [], "config": {}})
    service.of("ecr").put_image(repositoryName="web", imageManifest=manifest, imageTag="1.2")


def _secret(service: Service) -> str:
    return str(service.of("secretsmanager").create_secret(Name="login", SecretString="x")["ARN"])


def _managed_secret(service: Service) -> str:
    """The secret that RDS makes; its name has a `!`, which no other secret's has."""
    made = service.of("rds").create_db_instance(
        DBInstanceIdentifier="d", DBInstanceClass="db.t3.micro", Engine="mysql", AllocatedStorage=20,
        MasterUsername="root", ManageMasterUserPassword=True,
    )  # fmt: skip
    return str(made["DBInstance"]["MasterUserSecret"]["SecretArn"])


@pytest.mark.parametrize(
    ("named", "made", "right", "missing", "forbidden"),
    [
        (_image, _push, "ecr:BatchGetImage", "there is no image web:1.2", "may not pull web"),
        (_secret, lambda _: None, "secretsmanager:GetSecretValue", "", "may not read arn:aws:secretsmanager:"),
        (_managed_secret, lambda _: None, "secretsmanager:GetSecretValue", "", "may not read arn:aws:secretsmanager:"),
    ],
    ids=["image", "secret", "managed secret"],
)
def test_an_instance_boots_from_what_exists_and_its_role_may_read(
    service: Service,
    named: Callable[[Service], str],
    made: Callable[[Service], None],
    right: str,
    missing: str,
    forbidden: str,
) -> None:
    service.open()
    service.start(f"#!/bin/sh\nuse {named(service)}\n")
    if missing:
        assert service.health() == missing
    made(service)
    assert forbidden in service.health()
    service.allow(right, "*")
    assert service.health() == "healthy"


def test_a_release_and_a_parameter_have_to_be_there(service: Service) -> None:
    service.open()
    bucket = f"releases-{service.account}"
    service.of("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    service.allow("ssm:GetParametersByPath", f"arn:aws:ssm:{REGION}:{service.account}:parameter/web/dev/*")
    service.start(json.dumps({"bucket": bucket, "prefix": "releases/", "path": "/web/dev"}))
    assert service.health() == "there is no parameter /web/dev"
    service.of("ssm").put_parameter(Name="/web/dev/cache", Value="v", Type="String")
    assert service.health() == f"there is nothing below releases/ in {bucket}"
    service.of("s3").put_object(Bucket=bucket, Key="releases/1.zip", Body=b"x")
    assert service.health() == "healthy"


def test_targets_are_healthy_at_once_until_their_health_is_turned_on(lax: Emulator, account: str) -> None:
    service = Service(lax, account)
    service.start("#!/bin/sh")
    assert service.health() == "healthy"
    lax.turn_on()
    assert service.health() == "no security group of the instance lets b reach port 80"
