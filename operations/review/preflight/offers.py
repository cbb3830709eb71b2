"""Questions about what AWS offers: platforms, engine versions, parameters, instance types in each zone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from operations.review.preflight.account import code_of
from operations.review.preflight.findings import PreflightFinding, fails, fine, not_checked
from operations.review.preflight.planned import literal
from operations.stacks import images_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from operations.review.preflight.account import Account
    from operations.review.preflight.planned import PlannedDocument


def platforms(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Looks whether a new environment may begin with the settings' platform version."""
    environments: dict[str, list[str]] = {}
    for _, body in planned.of("aws_elastic_beanstalk_environment"):
        environments.setdefault(body["solution_stack_name"], []).append(body["name"])
    if not environments:
        return
    offered = account.ask("elasticbeanstalk", "list_available_solution_stacks")["SolutionStacks"]
    for name, users in environments.items():
        if name in offered:
            yield fine("platform", name)
            continue
        running = account.ask(
            "elasticbeanstalk", "describe_environments", EnvironmentNames=users, IncludeDeleted=False
        )["Environments"]
        if {found["EnvironmentName"] for found in running} >= set(users):
            yield fine("platform", f"{name} is not offered to new environments; {', '.join(users)} run already")
            continue
        branch = branch_of(name)
        newer = [other for other in offered if branch_of(other) == branch]
        found = f"{name} is not offered to this account"
        if newer:
            yield fails("platform", f"{found}; the branch has {newer[0]}", "quintet beaver platforms --write")
        else:
            yield fails("platform", f"{found}, nor its branch", "quintet beaver platforms --branch BRANCH --write")


def branch_of(solution_stack: str) -> str:
    """The platform branch of a solution stack.

    >>> branch_of("64bit Amazon Linux 2023 v4.13.7 running PHP 8.4")
    'PHP 8.4 running on 64bit Amazon Linux 2023'
    """
    system, _, language = solution_stack.partition(" running ")
    return f"{language} running on {re.sub(r' v[0-9.]+$', '', system)}"


def databases(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Looks for the engine's release series, and for its class in the zones of the stack."""
    wanted = sorted(
        {
            (body["engine"], body["engine_version"], body["instance_class"])
            for _, body in planned.of("aws_db_instance", "aws_rds_cluster_instance")
        }
    )
    newest: dict[tuple[str, str], str | None] = {}
    for engine, series, instance_class in wanted:
        if (engine, series) not in newest:
            versions = [
                found["EngineVersion"]
                for found in account.ask_all("rds", "describe_db_engine_versions", "DBEngineVersions", Engine=engine)
            ]
            matching = [version for version in versions if f"{version}.".startswith(f"{series}.")]
            newest[engine, series] = max(matching, key=_numbers, default=None)
            if matching:
                yield fine("engine", f"{engine} {series}: a new database gets one of {', '.join(matching)}")
            else:
                yield fails(
                    "engine",
                    f"{engine} {series} cannot be created in {account.region}; there are {', '.join(versions)}",
                    "choose another engine_version",
                )
        version = newest[engine, series]
        if version is not None:
            yield from _class_in_zones(account, planned, engine, version, instance_class)


def _class_in_zones(
    account: Account, planned: PlannedDocument, engine: str, version: str, instance_class: str
) -> Iterator[PreflightFinding]:
    options = account.ask_all(
        "rds",
        "describe_orderable_db_instance_options",
        "OrderableDBInstanceOptions",
        Engine=engine,
        EngineVersion=version,
        DBInstanceClass=instance_class,
    )
    offered = {zone["Name"] for option in options for zone in option.get("AvailabilityZones", ())}
    missing = [zone for zone in planned.zones if zone not in offered]
    subject, what = "database class", f"{instance_class} for {engine} {version}"
    if not offered:
        yield fails(subject, f"{what} is not offered in {account.region}", "choose another instance_class")
    elif missing:
        yield fails(subject, f"{what} is not offered in {', '.join(missing)}", "choose another class or other zones")
    else:
        yield fine(subject, f"{what} in {', '.join(planned.zones or sorted(offered))}")


def parameters(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Looks whether each parameter of a parameter group exists in its family and may be set."""
    for kind, service, operation, family_key, answer_key, list_key in _PARAMETERS:
        groups: dict[str, set[str]] = {}
        for _, body in planned.of(kind):
            groups.setdefault(body["family"], set()).update(each["name"] for each in body.get("parameter", ()))
        for family, wanted in sorted(groups.items()):
            known: dict[str, bool] = {}
            marker: dict[str, str] = {}
            while True:
                answer = account.ask(service, operation, **{family_key: family}, **marker)[answer_key]
                known |= {each["ParameterName"]: each["IsModifiable"] for each in answer[list_key]}
                if not answer.get("Marker"):
                    break
                marker = {"Marker": answer["Marker"]}
            if absent := sorted(wanted - known.keys()):
                yield fails("parameters", f"{family} has no {', '.join(absent)}", "remove them from the parameters")
            elif fixed := sorted(name for name in wanted if not known[name]):
                yield fails("parameters", f"{family}: nobody may set {', '.join(fixed)}", "remove them")
            else:
                yield fine("parameters", f"{family}: {', '.join(sorted(wanted))} may be set")


_PARAMETERS = (
    (
        "aws_db_parameter_group",
        "rds",
        "describe_engine_default_parameters",
        "DBParameterGroupFamily",
        "EngineDefaults",
        "Parameters",
    ),
    (
        "aws_rds_cluster_parameter_group",
        "rds",
        "describe_engine_default_cluster_parameters",
        "DBParameterGroupFamily",
        "EngineDefaults",
        "Parameters",
    ),
    (
        "aws_elasticache_parameter_group",
        "elasticache",
        "describe_engine_default_parameters",
        "CacheParameterGroupFamily",
        "EngineDefaults",
        "Parameters",
    ),
)


def caches(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Looks whether ElastiCache creates the engine's version."""
    kinds = ("aws_elasticache_cluster", "aws_elasticache_replication_group")
    for engine, version in sorted({(body["engine"], body["engine_version"]) for _, body in planned.of(*kinds)}):
        answer = account.ask_all("elasticache", "describe_cache_engine_versions", "CacheEngineVersions", Engine=engine)
        offered = [found["EngineVersion"] for found in answer]
        if any(f"{found}.".startswith(f"{version}.") for found in offered):
            yield fine("cache engine", f"{engine} {version}")
        else:
            yield fails("cache engine", f"{engine} {version} is not offered; there are {', '.join(offered)}")


def cache_node_types(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Looks for each ElastiCache node type among those that can be reserved: no call lists what can be created."""
    kinds = ("aws_elasticache_cluster", "aws_elasticache_replication_group")
    for node_type in sorted({body["node_type"] for _, body in planned.of(*kinds)}):
        answer = account.ask("elasticache", "describe_reserved_cache_nodes_offerings", CacheNodeType=node_type)
        if answer["ReservedCacheNodesOfferings"]:
            yield fine("cache node type", node_type)
        else:
            yield fails(
                "cache node type", f"{node_type} is not offered in {account.region}", "choose another node_type"
            )


def container_images(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Looks for each image that hosts run from a registry of Amazon ECR and that no apply of the stack makes."""
    for region, name, tag in sorted(images_of(planned.stack)):
        try:
            account.ask("ecr", "describe_images", region=region, repositoryName=name, imageIds=[{"imageTag": tag}])
            yield fine("container image", f"{name}:{tag}")
        except ClientError as error:
            missing = {
                "RepositoryNotFoundException": f"there is no repository {name} in {region}",
                "ImageNotFoundException": f"{name} has no image {tag}",
            }
            if code_of(error) not in missing:
                raise
            yield fails("container image", f"{missing[code_of(error)]}: hosts cannot boot", "push it first")


def instance_types(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Looks for each EC2 instance type in each zone of the stack."""
    if not planned.instances:
        return
    if not planned.zones:
        yield not_checked("instance types", "the network is adopted: its zones are not in the committed stack")
        return
    offered = {
        (found["InstanceType"], found["Location"])
        for found in account.ask_all(
            "ec2",
            "describe_instance_type_offerings",
            "InstanceTypeOfferings",
            LocationType="availability-zone",
            Filters=[{"Name": "instance-type", "Values": sorted(planned.instances)}],
        )
    }
    for kind in sorted(planned.instances):
        if missing := [zone for zone in planned.zones if (kind, zone) not in offered]:
            yield fails(
                "instance type", f"{kind} is not offered in {', '.join(missing)}", "choose another or other zones"
            )
        else:
            yield fine("instance type", f"{kind} in {', '.join(planned.zones)}")


def images(account: Account, planned: PlannedDocument) -> Iterator[PreflightFinding]:
    """Looks for the machine images that the settings name."""
    named = {literal(body.get("image_id")) for _, body in planned.of("aws_launch_template")}
    for image in sorted(name for name in named if name and name.startswith("ami-")):
        try:
            found = account.ask("ec2", "describe_images", ImageIds=[image])["Images"]
        except ClientError as error:
            if not code_of(error).startswith("InvalidAMIID"):
                raise
            found = []
        if found and found[0]["State"] == "available":
            yield fine("machine image", image)
        else:
            yield fails("machine image", f"{image} is not there in {account.region}", "name one of this region")


def _numbers(version: str) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", version)]
