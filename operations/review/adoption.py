"""Finds what exists already, made by hand, under the names and the `Name` tags a stack gives its resources."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.adoption import NAMES
from operations.aws import Aws, check_account, refusals_explained
from operations.resource_types import holds_data
from operations.review.addresses import read_document

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from operations.stacks import Stack

_REFERENCE = re.compile(r"\$\{(aws_\w+)\.(\w+)\.\w+\}")


@dataclass(frozen=True)
class Adoptable:
    """A resource of a stack, the name that was looked for, and the ids of what AWS has under it."""

    address: str
    name: str
    ids: tuple[str, ...]
    left_out: str = ""
    """The reason why what exists is not to be taken over."""

    @property
    def id(self) -> str | None:
        """The id that Terraform imports it by; None when there is nothing of that name, or more than one thing."""
        return self.ids[0] if len(self.ids) == 1 else None

    @property
    def holds_data(self) -> bool:
        """True when losing it loses something that cannot be made again."""
        return holds_data(self.address.split(".")[0])


def look_up(aws: Aws, stack: Stack, *, only: Collection[str] | None = None) -> Iterator[Adoptable]:
    """Each resource of the stack that can be told by a name, and what exists of it; `only` those addresses. Reads only.

    Raises OperatorError for credentials of another account, and when AWS refuses.
    """
    with refusals_explained():
        check_account(aws, stack.account_id, region=stack.region)
        document = read_document(stack.folder)
        for kind, lookup in LOOKUPS.items():
            for resource, arguments in document.get("resource", {}).get(kind, {}).items():
                if only is not None and f"{kind}.{resource}" not in only:
                    continue
                name = _name(document, lookup.name_of(kind, arguments))
                if name is not None:
                    yield _adoptable(aws, stack, lookup, f"{kind}.{resource}", name)


def section(found: list[Adoptable]) -> str:
    """The `[adopt]` section of a deployment's settings that takes over all that exists."""
    return "\n".join(["[adopt]", *(f'"{each.address}" = "{each.id}"' for each in found if each.id)])


def _name(document: Mapping[str, Any], value: str) -> str | None:
    """The name that an argument says, or the resource it refers to has; None when only AWS knows it."""
    reference = _REFERENCE.fullmatch(value)
    if reference:
        kind, name = reference.groups()
        value = document["resource"].get(kind, {}).get(name, {}).get(NAMES.get(kind, ""), "${")
    return None if "${" in value else value


def _adoptable(aws: Aws, stack: Stack, lookup: Lookup, address: str, name: str) -> Adoptable:
    from botocore.exceptions import ClientError

    try:
        return Adoptable(address, name, tuple(lookup.find(aws.client(lookup.service, region=stack.region), name)))
    except _LeftOut as reason:
        return Adoptable(address, name, (), str(reason))
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404 or "NotFound" in code:
            return Adoptable(address, name, ())
        raise


class _LeftOut(Exception):
    """Raised when what exists under the name is not to be taken over; the message says why."""


@dataclass(frozen=True)
class Lookup:
    """How one kind of resource is looked for: the service, and a question by name that is answered with ids."""

    service: str
    find: Callable[[Any, str], Iterable[str]]
    by_tag: bool = False

    def name_of(self, kind: str, arguments: Mapping[str, Any]) -> str:
        """The resource's name in the stack."""
        if self.by_tag:
            return str(arguments.get("tags", {}).get("Name", "${"))
        return str(arguments.get(NAMES.get(kind, "bucket" if kind.startswith("aws_s3_bucket_") else "name"), "${"))


def _ask(service: str, method: str, argument: str, answer: str = "") -> Lookup:
    """Asks for the thing by the name that is its id too; with `answer`, what comes back must say something there."""

    def find(client: Any, name: str) -> list[str]:
        said = getattr(client, method)(**{argument: name})
        return [name] if not answer or said.get(answer) else []

    return Lookup(service, find)


def _list(service: str, method: str, argument: str, answer: str, id_: str) -> Lookup:
    """Asks for a list of one name; what comes back says the id."""

    def find(client: Any, name: str) -> list[str]:
        return [each[id_] for each in getattr(client, method)(**{argument: [name]})[answer]]

    return Lookup(service, find)


def _filtered(method: str, filter_: str, answer: str, id_: str) -> Lookup:
    """Asks EC2 for all that a filter lets through; those by tag may be more than one."""

    def find(client: Any, name: str) -> list[str]:
        return [each[id_] for each in getattr(client, method)(Filters=[{"Name": filter_, "Values": [name]}])[answer]]

    return Lookup("ec2", find, by_tag=filter_ == "tag:Name")


def _log_group(client: Any, name: str) -> list[str]:
    pages = client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    return [name for page in pages for group in page["logGroups"] if group["logGroupName"] == name]


def _topic(client: Any, name: str) -> list[str]:
    arns = [topic["TopicArn"] for page in client.get_paginator("list_topics").paginate() for topic in page["Topics"]]
    return [arn for arn in arns if arn.rpartition(":")[2] == name]


def _state_machine(client: Any, name: str) -> list[str]:
    pages = client.get_paginator("list_state_machines").paginate()
    return [each["stateMachineArn"] for page in pages for each in page["stateMachines"] if each["name"] == name]


def _beanstalk_environment(client: Any, name: str) -> list[str]:
    said = client.describe_environments(EnvironmentNames=[name], IncludeDeleted=False)
    return [each["EnvironmentId"] for each in said["Environments"] if each["Status"] != "Terminated"]


def _container_cluster(client: Any, name: str) -> list[str]:
    return [name for each in client.describe_clusters(clusters=[name])["clusters"] if each["status"] == "ACTIVE"]


def _parameter(client: Any, name: str) -> list[str]:
    named = [{"Key": "Name", "Option": "Equals", "Values": [name]}]
    found = client.describe_parameters(ParameterFilters=named)["Parameters"]
    if any(each["Type"] == "SecureString" for each in found):
        raise _LeftOut(f"{name} is a SecureString, whose value would stand in the state; delete or rename it")
    return [each["Name"] for each in found]


LOOKUPS: dict[str, Lookup] = {
    "aws_vpc": _filtered("describe_vpcs", "tag:Name", "Vpcs", "VpcId"),
    "aws_subnet": _filtered("describe_subnets", "tag:Name", "Subnets", "SubnetId"),
    "aws_internet_gateway": _filtered(
        "describe_internet_gateways", "tag:Name", "InternetGateways", "InternetGatewayId"
    ),
    "aws_route_table": _filtered("describe_route_tables", "tag:Name", "RouteTables", "RouteTableId"),
    "aws_eip": _filtered("describe_addresses", "tag:Name", "Addresses", "AllocationId"),
    "aws_security_group": _filtered("describe_security_groups", "group-name", "SecurityGroups", "GroupId"),
    "aws_launch_template": _filtered(
        "describe_launch_templates", "launch-template-name", "LaunchTemplates", "LaunchTemplateId"
    ),
    "aws_autoscaling_group": _list(
        "autoscaling",
        "describe_auto_scaling_groups",
        "AutoScalingGroupNames",
        "AutoScalingGroups",
        "AutoScalingGroupName",
    ),
    "aws_lb": _list("elbv2", "describe_load_balancers", "Names", "LoadBalancers", "LoadBalancerArn"),
    "aws_lb_target_group": _list("elbv2", "describe_target_groups", "Names", "TargetGroups", "TargetGroupArn"),
    "aws_s3_bucket": _ask("s3", "head_bucket", "Bucket"),
    "aws_s3_bucket_versioning": _ask("s3", "get_bucket_versioning", "Bucket", "Status"),
    "aws_s3_bucket_server_side_encryption_configuration": _ask("s3", "get_bucket_encryption", "Bucket"),
    "aws_s3_bucket_public_access_block": _ask("s3", "get_public_access_block", "Bucket"),
    "aws_s3_bucket_ownership_controls": _ask("s3", "get_bucket_ownership_controls", "Bucket"),
    "aws_s3_bucket_policy": _ask("s3", "get_bucket_policy", "Bucket"),
    "aws_s3_bucket_lifecycle_configuration": _ask("s3", "get_bucket_lifecycle_configuration", "Bucket"),
    "aws_db_instance": _ask("rds", "describe_db_instances", "DBInstanceIdentifier"),
    "aws_db_subnet_group": _ask("rds", "describe_db_subnet_groups", "DBSubnetGroupName"),
    "aws_db_parameter_group": _ask("rds", "describe_db_parameter_groups", "DBParameterGroupName", "DBParameterGroups"),
    "aws_rds_cluster": _ask("rds", "describe_db_clusters", "DBClusterIdentifier"),
    "aws_rds_cluster_instance": _ask("rds", "describe_db_instances", "DBInstanceIdentifier"),
    "aws_elasticache_replication_group": _ask("elasticache", "describe_replication_groups", "ReplicationGroupId"),
    "aws_elasticache_subnet_group": _ask("elasticache", "describe_cache_subnet_groups", "CacheSubnetGroupName"),
    "aws_elasticache_parameter_group": _ask(
        "elasticache", "describe_cache_parameter_groups", "CacheParameterGroupName", "CacheParameterGroups"
    ),
    "aws_rds_cluster_parameter_group": _ask(
        "rds", "describe_db_cluster_parameter_groups", "DBClusterParameterGroupName", "DBClusterParameterGroups"
    ),
    "aws_elasticache_cluster": _ask("elasticache", "describe_cache_clusters", "CacheClusterId", "CacheClusters"),
    "aws_dynamodb_table": _ask("dynamodb", "describe_table", "TableName"),
    "aws_iam_role": _ask("iam", "get_role", "RoleName"),
    "aws_iam_instance_profile": _ask("iam", "get_instance_profile", "InstanceProfileName"),
    "aws_iam_user": _ask("iam", "get_user", "UserName"),
    "aws_cloudwatch_log_group": Lookup("logs", _log_group),
    "aws_sns_topic": Lookup("sns", _topic),
    "aws_secretsmanager_secret": Lookup(
        "secretsmanager", lambda client, name: [client.describe_secret(SecretId=name)["ARN"]]
    ),
    "aws_ssm_parameter": Lookup("ssm", _parameter),
    "aws_ecr_repository": _list("ecr", "describe_repositories", "repositoryNames", "repositories", "repositoryName"),
    "aws_ecs_cluster": Lookup("ecs", _container_cluster),
    "aws_lambda_function": _ask("lambda", "get_function", "FunctionName"),
    "aws_sfn_state_machine": Lookup("stepfunctions", _state_machine),
    "aws_elastic_beanstalk_application": _list(
        "elasticbeanstalk", "describe_applications", "ApplicationNames", "Applications", "ApplicationName"
    ),
    "aws_elastic_beanstalk_environment": Lookup("elasticbeanstalk", _beanstalk_environment),
}
"""Resource type → how it is looked for; the configurations of a bucket are known by the bucket's name."""
