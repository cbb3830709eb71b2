"""Questions about names: hosted zones and certificates that must exist, and names that must be free."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from operations.review.preflight.account import code_of
from operations.review.preflight.findings import PreflightFinding, fails, fine
from operations.review.preflight.planned import literal, tags_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from operations.review.preflight.account import Account
    from operations.review.preflight.planned import PlannedDocument


def hosted_zones(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Looks for each public hosted zone, and that the names of its records lie in it."""
    names: dict[str, set[str]] = {}
    for _, body in planned.of("aws_route53_record"):
        zone = literal(body["zone_id"])
        if zone is not None:
            names.setdefault(zone, set()).update({literal(body["name"]) or ""} - {""})
    for zone, records in sorted(names.items()):
        try:
            found = account.ask("route53", "get_hosted_zone", Id=zone)["HostedZone"]
        except ClientError as error:
            if code_of(error) != "NoSuchHostedZone":
                raise
            yield fails("hosted zone", f"{zone} does not exist in this account", "correct zone_id in the settings")
            continue
        domain = found["Name"].rstrip(".")
        outside = sorted(name for name in records if name != domain and not name.endswith(f".{domain}"))
        if found.get("Config", {}).get("PrivateZone"):
            yield fails("hosted zone", f"{zone} is private: certificates are proven in public zones only")
        elif outside:
            yield fails("hosted zone", f"{zone} is {domain}; {', '.join(outside)} lie outside it", "correct zone_id")
        else:
            yield fine("hosted zone", f"{zone} is {domain}")


def certificates(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Looks at each certificate that the settings name."""
    arns = {
        arn
        for _, body in planned.of("aws_lb_listener", "aws_cloudfront_distribution")
        for arn in (
            literal(body.get("certificate_arn")),
            literal(body.get("viewer_certificate", {}).get("acm_certificate_arn")),
        )
        if arn
    }
    for arn in sorted(arns):
        try:
            found = account.ask("acm", "describe_certificate", region=arn.split(":")[3], CertificateArn=arn)
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            yield fails("certificate", f"{arn} does not exist", "correct certificate_arn in the settings")
            continue
        status = found["Certificate"]["Status"]
        answer = fine if status == "ISSUED" else fails
        yield answer("certificate", f"{arn} is {status.lower().replace('_', ' ')}")


def alternate_names(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Looks whether another distribution of the account has a name of the stack's; other accounts' are not listed."""
    wanted = {alias for _, body in planned.of("aws_cloudfront_distribution") for alias in body.get("aliases", ())}
    if not wanted:
        return
    found = account.ask("cloudfront", "list_distributions")["DistributionList"]
    for distribution in found.get("Items", ()):
        if taken := wanted & set(distribution["Aliases"].get("Items", ())):
            tags = account.ask("cloudfront", "list_tags_for_resource", Resource=distribution["ARN"])["Tags"]
            if not planned.mine(tags_of(tags.get("Items", ()))):
                hint = "remove it there, or choose another host name"
                yield fails("alternate name", f"{distribution['Id']} has {', '.join(sorted(taken))}", hint)
                return
    yield fine("alternate name", f"no other distribution of this account has {', '.join(sorted(wanted))}")


Tags = Mapping[str, str]
Lookup = Callable[["Account", str], "Tags | None"]
"""The tags of the resource of this name; None when the name is free. Raises ClientError."""


@dataclass(frozen=True)
class _Kind:
    key: str
    """Attribute that holds the name."""
    free: frozenset[str]
    """AWS's codes for a name that nothing has."""
    look: Lookup


def taken_names(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Looks for resources that have a name of the stack's and are not the stack's."""
    free = 0
    for kind, lookup in _KINDS.items():
        for address, body in planned.of(kind):
            name = literal(body.get(lookup.key))
            if name is None or address in planned.imported:
                continue
            try:
                tags = lookup.look(account, name)
            except ClientError as error:
                if code_of(error) not in lookup.free:
                    raise
                tags = None
            if tags is None or planned.mine(tags):
                free += 1
            else:
                yield fails("name", *_taken(address, name, tags))
    if free:
        yield fine("names", f"{free} are free or this stack's own")


def _taken(address: str, name: str, tags: Tags) -> tuple[str, str]:
    if _DELETED in tags:
        hint = f"aws secretsmanager restore-secret --secret-id {name}, then quintet adopt; or wait"
        return f"{address}: {name} is a secret that AWS deletes on {tags[_DELETED]}", hint
    if _FOREIGN in tags:
        return f"{address}: {name} is taken, by another account or out of reach", "choose another name"
    return f"{address}: {name} is taken by something that is not this stack's", "adopt it, or choose another name"


_DELETED = "aws:deleted"
_FOREIGN = "aws:foreign"
"""Stand-ins among tags, whose keys never begin so."""


def _bucket(account: Account, name: str) -> Tags | None:
    try:
        account.ask("s3", "head_bucket", Bucket=name)
    except ClientError as error:
        if code_of(error) in ("403", "301"):
            return {_FOREIGN: ""}
        raise
    try:
        return tags_of(account.ask("s3", "get_bucket_tagging", Bucket=name)["TagSet"])
    except ClientError as error:
        if code_of(error) != "NoSuchTagSet":
            raise
        return {}


def _secret(account: Account, name: str) -> Tags | None:
    found = account.ask("secretsmanager", "describe_secret", SecretId=name)
    deleted = found.get("DeletedDate")
    return {_DELETED: f"{deleted:%Y-%m-%d}"} if deleted else tags_of(found.get("Tags", ()))


def _load_balancer(account: Account, name: str) -> Tags | None:
    (found,) = account.ask("elbv2", "describe_load_balancers", Names=[name])["LoadBalancers"]
    answer = account.ask("elbv2", "describe_tags", ResourceArns=[found["LoadBalancerArn"]])
    return tags_of(answer["TagDescriptions"][0]["Tags"])


def _table(account: Account, name: str) -> Tags | None:
    arn = account.ask("dynamodb", "describe_table", TableName=name)["Table"]["TableArn"]
    return tags_of(account.ask("dynamodb", "list_tags_of_resource", ResourceArn=arn)["Tags"])


def _repository(account: Account, name: str) -> Tags | None:
    (found,) = account.ask("ecr", "describe_repositories", repositoryNames=[name])["repositories"]
    return tags_of(account.ask("ecr", "list_tags_for_resource", resourceArn=found["repositoryArn"])["tags"])


def _beanstalk(account: Account, name: str) -> Tags | None:
    found = account.ask("elasticbeanstalk", "describe_environments", EnvironmentNames=[name], IncludeDeleted=False)
    if not found["Environments"]:
        return None
    arn = found["Environments"][0]["EnvironmentArn"]
    return tags_of(account.ask("elasticbeanstalk", "list_tags_for_resource", ResourceArn=arn)["ResourceTags"])


def _function(account: Account, name: str) -> Tags | None:
    tags: Tags = account.ask("lambda", "get_function", FunctionName=name).get("Tags", {})
    return tags


def _log_group(account: Account, name: str) -> Tags | None:
    found = account.ask("logs", "describe_log_groups", logGroupNamePrefix=name, limit=50)["logGroups"]
    arn = next((group["arn"] for group in found if group["logGroupName"] == name), None)
    if arn is None:
        return None
    tags: Tags = account.ask("logs", "list_tags_for_resource", resourceArn=arn.removesuffix(":*"))["tags"]
    return tags


def _queue(account: Account, name: str) -> Tags | None:
    url = account.ask("sqs", "get_queue_url", QueueName=name)["QueueUrl"]
    tags: Tags = account.ask("sqs", "list_queue_tags", QueueUrl=url).get("Tags", {})
    return tags


def _described(service: str, operation: str, parameter: str, *path: str) -> Lookup:
    """A lookup whose one answer holds the tags at `path`; a list on the way stands for its first item."""

    def look(account: Account, name: str) -> Tags | None:
        found: Any = account.ask(service, operation, **{parameter: name})
        for step in path:
            found = found.get(step, [])
            found = found[0] if isinstance(found, list) and step != path[-1] else found
        return tags_of(found)

    return look


_KINDS: Mapping[str, _Kind] = {
    "aws_s3_bucket": _Kind("bucket", frozenset({"404", "NoSuchBucket"}), _bucket),
    "aws_iam_role": _Kind(
        "name", frozenset({"NoSuchEntity"}), _described("iam", "get_role", "RoleName", "Role", "Tags")
    ),
    "aws_iam_user": _Kind(
        "name", frozenset({"NoSuchEntity"}), _described("iam", "get_user", "UserName", "User", "Tags")
    ),
    "aws_db_instance": _Kind(
        "identifier",
        frozenset({"DBInstanceNotFound", "DBInstanceNotFoundFault"}),
        _described("rds", "describe_db_instances", "DBInstanceIdentifier", "DBInstances", "TagList"),
    ),
    "aws_rds_cluster": _Kind(
        "cluster_identifier",
        frozenset({"DBClusterNotFoundFault"}),
        _described("rds", "describe_db_clusters", "DBClusterIdentifier", "DBClusters", "TagList"),
    ),
    "aws_lb": _Kind("name", frozenset({"LoadBalancerNotFound"}), _load_balancer),
    "aws_dynamodb_table": _Kind("name", frozenset({"ResourceNotFoundException"}), _table),
    "aws_ecr_repository": _Kind("name", frozenset({"RepositoryNotFoundException"}), _repository),
    "aws_lambda_function": _Kind("function_name", frozenset({"ResourceNotFoundException"}), _function),
    "aws_cloudwatch_log_group": _Kind("name", frozenset(), _log_group),
    "aws_sqs_queue": _Kind("name", frozenset({"AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist"}), _queue),
    "aws_secretsmanager_secret": _Kind("name", frozenset({"ResourceNotFoundException"}), _secret),
    "aws_elastic_beanstalk_environment": _Kind("name", frozenset(), _beanstalk),
}
"""Terraform's type → how its name is looked up."""
