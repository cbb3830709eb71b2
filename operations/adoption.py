"""Finds what exists already, made by hand, under the names a stack gives its resources."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from config.adoption import NAMES
from operations.addresses import DATA_TYPES, read_document
from operations.aws import Aws, check_account, refusals_explained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from operations.stacks import Stack

_REFERENCE = re.compile(r"\$\{(aws_\w+)\.(\w+)\.\w+\}")


@dataclass(frozen=True)
class Adoptable:
    """A resource of a stack and the id that was looked for; whether it exists in AWS."""

    address: str
    id: str
    exists: bool

    @property
    def holds_data(self) -> bool:
        """Whether losing it loses something that cannot be made again."""
        return self.address.split(".")[0] in DATA_TYPES


def look_up(aws: Aws, stack: Stack) -> Iterator[Adoptable]:
    """Each resource of the stack that is known to AWS by a name, and whether it exists. Reads only.

    Raises OperatorError for credentials of another account, and when AWS refuses.
    """
    with refusals_explained():
        check_account(aws, stack.account_id, region=stack.region)
        document = read_document(stack.folder)
        for kind, lookup in LOOKUPS.items():
            for name, arguments in document.get("resource", {}).get(kind, {}).items():
                id_ = _name(document, arguments[NAMES.get(kind, "bucket")])
                if id_ is not None:
                    yield Adoptable(f"{kind}.{name}", id_, _exists(aws, stack, lookup, id_))


def section(found: list[Adoptable]) -> str:
    """The `[adopt]` section of a deployment's settings that takes over all that exists."""
    return "\n".join(["[adopt]", *(f'"{each.address}" = "{each.id}"' for each in found if each.exists)])


def _name(document: Mapping[str, Any], value: str) -> str | None:
    """The name that an argument says, or the resource it refers to has; None when only AWS knows it."""
    reference = _REFERENCE.fullmatch(value)
    if reference:
        kind, name = reference.groups()
        value = document["resource"].get(kind, {}).get(name, {}).get(NAMES.get(kind, ""), "${")
    return None if "${" in value else value


def _exists(aws: Aws, stack: Stack, lookup: Lookup, id_: str) -> bool:
    from botocore.exceptions import ClientError

    try:
        return lookup.find(aws.client(lookup.service, region=stack.region), id_)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if error.response["ResponseMetadata"]["HTTPStatusCode"] == 404 or "NotFound" in code:
            return False
        raise


@dataclass(frozen=True)
class Lookup:
    """How one kind of resource is looked for: the service and a question that is false, or refused, when it is none."""

    service: str
    find: Callable[[Any, str], bool]


def _ask(service: str, method: str, argument: str, answer: str = "") -> Lookup:
    """Asks for the thing by name; with `answer`, what comes back must say something there."""

    def find(client: Any, name: str) -> bool:
        said = getattr(client, method)(**{argument: name})
        return bool(said.get(answer)) if answer else True

    return Lookup(service, find)


def _log_group(client: Any, name: str) -> bool:
    pages = client.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=name)
    return any(group["logGroupName"] == name for page in pages for group in page["logGroups"])


LOOKUPS: dict[str, Lookup] = {
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
    "aws_dynamodb_table": _ask("dynamodb", "describe_table", "TableName"),
    "aws_iam_role": _ask("iam", "get_role", "RoleName"),
    "aws_iam_instance_profile": _ask("iam", "get_instance_profile", "InstanceProfileName"),
    "aws_cloudwatch_log_group": Lookup("logs", _log_group),
}
"""Resource type → how it is looked for; the configurations of a bucket are known by the bucket's name."""
