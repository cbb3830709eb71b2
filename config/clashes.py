"""Names that AWS refuses, and names and state places that two stacks cannot have at once, in their Terraform JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NotRequired, TypedDict, cast

from config.environment import CloudStateSettings, Environment
from config.limits import NAME_LENGTHS

Scope = Literal["global", "account", "region"]

NAMED: Mapping[str, tuple[str, Scope]] = {
    "aws_autoscaling_group": ("name", "region"),
    "aws_backup_plan": ("name", "region"),
    "aws_backup_vault": ("name", "region"),
    "aws_cloudfront_cache_policy": ("name", "account"),
    "aws_cloudfront_origin_access_control": ("name", "account"),
    "aws_cloudfront_response_headers_policy": ("name", "account"),
    "aws_cloudwatch_dashboard": ("dashboard_name", "account"),
    "aws_cloudwatch_log_group": ("name", "region"),
    "aws_cloudwatch_metric_alarm": ("alarm_name", "region"),
    "aws_db_instance": ("identifier", "region"),
    "aws_db_parameter_group": ("name", "region"),
    "aws_db_subnet_group": ("name", "region"),
    "aws_dynamodb_table": ("name", "region"),
    "aws_ecr_repository": ("name", "region"),
    "aws_ecs_cluster": ("name", "region"),
    "aws_ecs_task_definition": ("family", "region"),
    "aws_elastic_beanstalk_application": ("name", "region"),
    "aws_elastic_beanstalk_environment": ("name", "region"),
    "aws_elasticache_cluster": ("cluster_id", "region"),
    "aws_elasticache_parameter_group": ("name", "region"),
    "aws_elasticache_replication_group": ("replication_group_id", "region"),
    "aws_elasticache_subnet_group": ("name", "region"),
    "aws_iam_instance_profile": ("name", "account"),
    "aws_iam_policy": ("name", "account"),
    "aws_iam_role": ("name", "account"),
    "aws_iam_user": ("name", "account"),
    "aws_kms_alias": ("name", "region"),
    "aws_lambda_function": ("function_name", "region"),
    "aws_launch_template": ("name", "region"),
    "aws_lb": ("name", "region"),
    "aws_lb_target_group": ("name", "region"),
    "aws_rds_cluster": ("cluster_identifier", "region"),
    "aws_rds_cluster_instance": ("identifier", "region"),
    "aws_rds_cluster_parameter_group": ("name", "region"),
    "aws_s3_bucket": ("bucket", "global"),
    "aws_scheduler_schedule": ("name", "region"),
    "aws_secretsmanager_secret": ("name", "region"),
    "aws_sfn_state_machine": ("name", "region"),
    "aws_sns_topic": ("name", "region"),
    "aws_ssm_document": ("name", "region"),
    "aws_ssm_parameter": ("name", "region"),
}
"""Resource type → the argument that is its name, and the space in which AWS lets a name be used once."""


class _Provider(TypedDict):
    """A provider block of a stack."""

    alias: NotRequired[str]
    allowed_account_ids: list[str]
    region: str


class _Cloud(TypedDict):
    """The block of HCP Terraform."""

    hostname: str
    organization: str
    workspaces: Mapping[str, str]


class _Terraform(TypedDict, total=False):
    """The block `terraform`: where the state is."""

    cloud: _Cloud
    backend: Mapping[str, Mapping[str, str]]


class _Document(TypedDict):
    """As much of a stack's Terraform JSON as this room reads."""

    terraform: _Terraform
    provider: Mapping[str, list[_Provider]]
    resource: NotRequired[Mapping[str, Mapping[str, Mapping[str, object]]]]


def clashes(stacks: Mapping[str, Mapping[str, object]], environments: Mapping[str, Environment]) -> Iterator[str]:
    """One line for each name that is longer than AWS takes, and for each name or state place that is used twice.

    `stacks` is stack → Terraform JSON; `environments` those of the stacks, whose state buckets count as taken.
    """
    taken: dict[tuple[str, ...], str] = {}
    for environment in environments.values():
        if not isinstance(environment.state, CloudStateSettings):
            taken["aws_s3_bucket", environment.state.bucket] = f"the state bucket of {environment.name}"
    places: dict[tuple[str, ...], str] = {}
    for stack, content in sorted(stacks.items()):
        document = cast("_Document", content)
        place = _place(document["terraform"])
        if (other := places.setdefault(place, stack)) != stack:
            yield f"{stack} and {other} would share a state: {'/'.join(place)}"
        for kind, name, space, address in _names(document):
            mine = f"{address} of {stack}"
            if len(name) > (longest := NAME_LENGTHS.get(kind, len(name))):
                said = f'{mine} would be called "{name}", which has {len(name)} characters; AWS takes {longest}'
                yield said + _shorter_environment(stack, name, len(name) - longest, environments)
            if (other := taken.setdefault((kind, name, *space), mine)) != mine:
                where = f" in {' of '.join(reversed(space))}" if space else "; such a name is unique in all of AWS"
                yield f'{mine} and {other} would both be called "{name}"{where}'


def _shorter_environment(stack: str, name: str, excess: int, environments: Mapping[str, Environment]) -> str:
    """How long the environment's name may be, where the name begins with the stack's; else nothing."""
    environment = max((each for each in environments if stack.endswith(f"-{each}")), key=len, default="")
    if excess >= len(environment) or not name.startswith(stack):
        return ""
    return f": call the environment {environment} by at most {len(environment) - excess} characters"


def _names(document: _Document) -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    """Type, name, the space it must be unique in, and address, of every resource with a name that the code says."""
    providers = {f"aws.{p['alias']}" if "alias" in p else "aws": p for p in document["provider"]["aws"]}
    for kind, (argument, scope) in NAMED.items():
        for role, resource in document.get("resource", {}).get(kind, {}).items():
            name = resource.get(argument)
            if not isinstance(name, str) or "${" in name:
                continue
            provider = providers[str(resource.get("provider", "aws"))]
            account, region = provider["allowed_account_ids"][0], provider["region"]
            spaces: Mapping[Scope, tuple[str, ...]] = {"global": (), "account": (account,), "region": (account, region)}
            yield kind, name, spaces[scope], f"{kind}.{role}"


def _place(terraform: _Terraform) -> tuple[str, ...]:
    if "cloud" in terraform:
        cloud = terraform["cloud"]
        return cloud["hostname"], cloud["organization"], cloud["workspaces"]["name"]
    backend = terraform["backend"]["s3"]
    return backend["bucket"], backend["key"]
