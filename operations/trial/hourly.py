"""Resources of a plan that AWS bills by the hour: kinds, sizes and numbers from the plan, without prices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from operations.plans.plan_document import Action, read_plan

if TYPE_CHECKING:
    from operations.review.preflight.planned import PlannedDocument

_Values = Mapping[str, Any]


def hourly(plan_json: object, planned: PlannedDocument) -> tuple[Counter[str], int]:
    """Kind and size → how many of them the plan creates, and the number of all other resources it creates.

    EC2 instances are those that the groups and Elastic Beanstalk environments in `planned` start at once.
    """
    kinds: Counter[str] = Counter()
    others = 0
    created = set()
    for change in read_plan(plan_json).changes:
        if change.action not in (Action.CREATE, Action.REPLACE):
            continue
        created.add(change.address)
        values = change.after if isinstance(change.after, dict) else {}
        found: Counter[str] = Counter(dict(_BY_THE_HOUR.get(change.type, _nothing)(values)))
        kinds += found
        others += not found
    if created & {address for address, _ in planned.of("aws_autoscaling_group", "aws_elastic_beanstalk_environment")}:
        kinds += Counter({f"EC2 instance {size}": number for size, number in planned.instances.items()})
    return kinds, others


def _database(values: _Values) -> Iterator[tuple[str, int]]:
    standby = " with a standby" if values.get("multi_az") else ""
    yield f"RDS instance {values.get('instance_class')}{standby}", 1


def _replication_group(values: _Values) -> Iterator[tuple[str, int]]:
    nodes = values.get("num_cache_clusters") or 0
    shards = values.get("num_node_groups") or 0
    yield (
        f"ElastiCache node {values.get('node_type')}",
        nodes or shards * (1 + (values.get("replicas_per_node_group") or 0)),
    )


def _cache(values: _Values) -> Iterator[tuple[str, int]]:
    yield f"ElastiCache node {values.get('node_type')}", values.get("num_cache_nodes") or 1


def _endpoint(values: _Values) -> Iterator[tuple[str, int]]:
    if values.get("vpc_endpoint_type") == "Interface":
        yield "interface endpoint in a zone", len(values.get("subnet_ids") or ()) or 1


def _table(values: _Values) -> Iterator[tuple[str, int]]:
    if values.get("billing_mode") == "PROVISIONED":
        yield f"DynamoDB table of {values.get('read_capacity')} read and {values.get('write_capacity')} write units", 1


def _beanstalk(values: _Values) -> Iterator[tuple[str, int]]:
    options = {option["name"]: option["value"] for option in values.get("setting") or ()}
    if options.get("EnvironmentType", "LoadBalanced") == "LoadBalanced":
        yield "application load balancer", 1


def _nothing(values: _Values) -> Iterator[tuple[str, int]]:
    del values
    return iter(())


def _one(kind: str) -> Callable[[_Values], Iterator[tuple[str, int]]]:
    return lambda values: iter([(kind, 1)])


_BY_THE_HOUR: Mapping[str, Callable[[_Values], Iterator[tuple[str, int]]]] = {
    "aws_db_instance": _database,
    "aws_dynamodb_table": _table,
    "aws_eip": _one("public IPv4 address"),
    "aws_elastic_beanstalk_environment": _beanstalk,
    "aws_elasticache_cluster": _cache,
    "aws_elasticache_replication_group": _replication_group,
    "aws_lb": _one("application load balancer"),
    "aws_nat_gateway": _one("NAT gateway"),
    "aws_rds_cluster_instance": lambda values: iter([(f"Aurora instance {values.get('instance_class')}", 1)]),
    "aws_vpc_endpoint": _endpoint,
}
"""Types of the stacks here that AWS bills by the hour: its pricing pages of VPC, PrivateLink, load balancing, RDS,
ElastiCache, DynamoDB and EC2, 2026-11-29."""
