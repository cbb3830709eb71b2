"""Resources that calls name: parameters of AWS's services and the ARNs they stand for.

Patterns of ARNs: the service authorization reference in iam/reference.json. A call is about every resource that its
parameters name and its action knows; one that creates something, or names nothing, is about all of that kind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from iam.patterns import overlap
from iam.reference import resource_patterns

if TYPE_CHECKING:
    from emulator.call import Call

_ARN: Final = ("{}",)
_NAMES: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "acm": {"CertificateArn": _ARN},
    "application-autoscaling": {"ResourceARN": _ARN},
    "autoscaling": {"AutoScalingGroupName": ("autoScalingGroup:*:autoScalingGroupName/{}",)},
    "backup": {
        "BackupPlanId": ("backup-plan:{}",),
        "BackupVaultName": ("backup-vault:{}",),
        "ResourceArn": _ARN,
    },
    "cloudfront": {
        "Id": ("cache-policy/{}", "distribution/{}", "origin-access-control/{}", "response-headers-policy/{}"),
        "Name": ("function/{}",),
        "Resource": _ARN,
    },
    "cloudwatch": {
        "AlarmName": ("alarm:{}",),
        "AlarmNames": ("alarm:{}",),
        "DashboardName": ("dashboard/{}",),
        "DashboardNames": ("dashboard/{}",),
        "ResourceARN": _ARN,
    },
    "dynamodb": {"ResourceArn": _ARN},
    "ec2": {
        "AllocationId": ("elastic-ip/{}",),
        "FlowLogIds": ("vpc-flow-log/{}",),
        "GroupId": ("security-group/{}",),
        "InternetGatewayId": ("internet-gateway/{}",),
        "LaunchTemplateId": ("launch-template/{}",),
        "NatGatewayId": ("natgateway/{}",),
        "ResourceIds": ("vpc/{}",),
        "Resources": ("*/{}",),
        "RouteTableId": ("route-table/{}",),
        "RouteTableIds": ("route-table/{}",),
        "SecurityGroupIds": ("security-group/{}",),
        "SecurityGroupRuleIds": ("security-group-rule/{}",),
        "SubnetId": ("subnet/{}",),
        "SubnetIds": ("subnet/{}",),
        "VpcEndpointId": ("vpc-endpoint/{}",),
        "VpcEndpointIds": ("vpc-endpoint/{}",),
        "VpcId": ("vpc/{}",),
    },
    "ecr": {"repositoryNames": ("repository/{}",), "resourceArn": _ARN},
    "ecs": {
        "cluster": ("cluster/{}",),
        "clusterName": ("cluster/{}",),
        "clusters": ("cluster/{}",),
        "family": ("task-definition/{}:*",),
        "resourceArn": _ARN,
        "tasks": ("task/*/{}",),
    },
    "elasticache": {
        "CacheClusterId": ("cluster:{}",),
        "CacheParameterGroupName": ("parametergroup:{}",),
        "CacheSubnetGroupName": ("subnetgroup:{}",),
        "ReplicationGroupId": ("replicationgroup:{}",),
        "ResourceName": _ARN,
    },
    "elasticbeanstalk": {
        "ApplicationName": ("application/{}",),
        "ApplicationNames": ("application/{}",),
        "EnvironmentName": ("environment/*/{}",),
        "EnvironmentNames": ("environment/*/{}",),
        "ResourceArn": _ARN,
        "VersionLabel": ("applicationversion/*/{}",),
        "VersionLabels": ("applicationversion/*/{}",),
    },
    "elbv2": {
        "ListenerArn": _ARN,
        "LoadBalancerArn": _ARN,
        "Name": ("loadbalancer/app/{}/*", "targetgroup/{}/*"),
        "ResourceArns": _ARN,
        "RuleArn": _ARN,
        "TargetGroupArn": _ARN,
    },
    "events": {"Name": ("rule/{}",), "ResourceARN": _ARN, "Rule": ("rule/{}",)},
    "iam": {
        "InstanceProfileName": ("instance-profile/{}",),
        "RoleName": ("role/{}",),
        "UserName": ("user/{}",),
    },
    "imagebuilder": {
        "componentBuildVersionArn": _ARN,
        "distributionConfigurationArn": _ARN,
        "imagePipelineArn": _ARN,
        "imageRecipeArn": _ARN,
        "infrastructureConfigurationArn": _ARN,
        "name": (
            "component/{}/*",
            "distribution-configuration/{}",
            "image-pipeline/{}",
            "image-recipe/{}/*",
            "infrastructure-configuration/{}",
        ),
        "resourceArn": _ARN,
    },
    "kms": {"AliasName": ("{}",)},
    "lambda": {"FunctionName": ("function:{}",), "LayerName": ("layer:{}",), "Resource": _ARN},
    "logs": {"resourceArn": _ARN},
    "rds": {
        "DBClusterIdentifier": ("cluster:{}",),
        "DBClusterParameterGroupName": ("cluster-pg:{}",),
        "DBInstanceIdentifier": ("db:{}",),
        "DBParameterGroupName": ("pg:{}",),
        "DBSubnetGroupName": ("subgrp:{}",),
        "ResourceName": _ARN,
    },
    "route53": {"HostedZoneId": ("hostedzone/{}",), "Id": ("hostedzone/{}", "change/{}")},
    "scheduler": {"Name": ("schedule/*/{}",), "ResourceArn": _ARN},
    "secretsmanager": {"Name": ("secret:{}-??????",)},
    "sns": {"ResourceArn": _ARN, "SubscriptionArn": _ARN},
    "ssm": {"Name": ("document/{}",)},
    "stepfunctions": {"name": ("stateMachine:{}",), "resourceArn": _ARN},
}
"""Service → parameter → the ends of ARNs with its value; an ARN in a parameter stands as it is."""

_WITHOUT_NAME: Final[Mapping[str, str]] = {
    "ec2:AllocateAddress": "elastic-ip/*",
    "ec2:CreateFlowLogs": "vpc-flow-log/*",
    "ec2:CreateNatGateway": "natgateway/*",
    "ec2:CreateRouteTable": "route-table/*",
    "ec2:CreateSecurityGroup": "security-group/*",
    "ec2:CreateSubnet": "subnet/*",
    "ec2:CreateVpc": "vpc/*",
    "ec2:CreateVpcEndpoint": "vpc-endpoint/*",
    "ec2:DisassociateAddress": "elastic-ip/*",
    "ec2:DisassociateRouteTable": "route-table/*",
    "elasticbeanstalk:DescribeEvents": "environment/*",
}
"""Action of several kinds of resources → the end of the ARN of those it creates, or does not name."""


def named_resources(call: Call, service: str, action: str) -> Iterator[str]:
    """ARNs of the resources that a call is about; `service` is the prefix of its actions.

    Raises NotImplementedError when its parameters name none and its action has several kinds.
    """
    patterns = resource_patterns(action)
    named: Mapping[str, tuple[str, ...]] = _NAMES.get(call.service, {})
    if action == "cloudwatch:DescribeAlarms":  # composite alarms want the right to see every alarm
        named = {}
    ends = [
        value if value.startswith("arn:") else end.format(value)
        for parameter, several in named.items()
        for value in _values(call.parameters.get(parameter))
        for end in several
    ]
    if action in _WITHOUT_NAME:
        ends.append(_WITHOUT_NAME[action])
    found = [arn for end in ends for arn in _arns(call, service, end, patterns)]
    if not found and len(patterns) == 1:
        found = [_filled(call, patterns[0])]
    if not found:
        raise NotImplementedError(f"no resource of {action} in this call: see emulator/resource_names.py")
    yield from dict.fromkeys(found)


def _values(given: Any) -> list[str]:
    several = given if isinstance(given, list) else [given]
    return [each for each in several if isinstance(each, str) and each]


def _arns(call: Call, service: str, end: str, patterns: tuple[str, ...]) -> Iterator[str]:
    """The ARN that ends so, where it is one of the action's resources; region and account as those have them."""
    if service == "route53":
        kind, _, identifier = end.partition("/")
        end = f"{kind}/{identifier.rpartition('/')[2]}"  # its ids may stand behind their kind
    for pattern in patterns:
        *place, of_kind = pattern.split(":", 5)
        arn = end if end.startswith("arn:") else _filled(call, ":".join([*place, end]))
        if overlap([of_kind], arn.split(":", 5)[5]):
            yield arn
            return


def _filled(call: Call, pattern: str) -> str:
    """A pattern with the call's region and account in their places."""
    _, _, service, region, account, end = pattern.split(":", 5)
    return f"arn:aws:{service}:{region and call.region}:{account and call.account_id}:{end}"
