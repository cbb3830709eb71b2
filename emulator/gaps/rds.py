"""RDS instances and Aurora clusters.

* every instance has the same DbiResourceId, by which the provider reads: a second `aws_db_instance` is not found
* Performance Insights and enhanced monitoring of a created or changed instance are forgotten
* a subnet group that is changed is lost
* a read replica copies from its source what AWS does not: tags, log exports, storage limit, monitoring
* the Data API (`enable_http_endpoint` of `aws_rds_cluster`) is refused for current engines, its actions are missing;
  a scaling configuration nobody asked for is returned
* the master user's secret (`manage_master_user_password`) names another user than asked for, with one known password,
  and is another one after every change that says again that AWS manages it
* parameters of `aws_db_parameter_group` come back without a source, hence as none; they cannot be reset
* whether a database may run on extended support is forgotten (`engine_lifecycle_support`)
* a release series (`8.4`) is no version, and stays one; the certificate authority is none of AWS's
* DescribeDBEngineVersions is missing (`data.aws_rds_engine_version`)
"""

from __future__ import annotations

import json
import random
import secrets
import string
from collections.abc import Callable, Container, Iterable, Mapping
from typing import Any

from moto.core.responses import ActionResult
from moto.rds.exceptions import DBClusterNotFoundError
from moto.rds.models import (
    DBCluster,
    DBInstance,
    DBInstanceClustered,
    DBParameterGroup,
    DBSubnetGroup,
    MasterUserSecret,
    RDSBackend,
    rds_backends,
)
from moto.rds.responses import RDSResponse

from emulator import facts
from emulator.gap import Gap
from emulator.store import Record
from emulator.versions import resolve

GAP = Gap("rds")

_DEFAULT_AUTHORITY = "rds-ca-rsa2048-g1"
_NO_AUTHORITY = "rds-ca-default"
"""moto's default, which is none of AWS's: the provider changes it, and waits a second time."""
_SECONDARY_IN_FAMILY = frozenset({"mysql", "mariadb", "aurora-mysql"})
"""Engines whose parameter groups are of a minor series (mysql8.0); those of the others of a major one (postgres16)."""
_DEFAULT_INSIGHTS_DAYS = 7


@GAP.around(DBInstance, "__init__")
def instance_with_its_own_id(original: Any, instance: DBInstance, *args: Any, **kwargs: Any) -> None:
    kwargs["engine_version"] = _version(kwargs.get("engine"), kwargs.get("engine_version"))
    if kwargs.get("ca_certificate_identifier") in (None, _NO_AUTHORITY):
        kwargs["ca_certificate_identifier"] = _DEFAULT_AUTHORITY
    original(instance, *args, **kwargs)
    instance.dbi_resource_id = _new_resource_id()
    _keep_lifecycle_support(instance, kwargs)


@GAP.around(DBCluster, "__init__")
def cluster_of_a_version(original: Any, cluster: DBCluster, *args: Any, **kwargs: Any) -> None:
    kwargs["engine_version"] = _version(kwargs.get("engine"), kwargs.get("engine_version"))
    original(cluster, *args, **kwargs)
    _keep_lifecycle_support(cluster, kwargs)


@GAP.around(RDSBackend, "modify_db_subnet_group")
def changed_subnet_group_is_kept(
    original: Any, backend: RDSBackend, subnet_name: str, description: str, subnets: list[Any]
) -> DBSubnetGroup:
    group: DBSubnetGroup = original(backend, subnet_name, description, subnets)
    backend.subnet_groups[subnet_name] = group
    return group


@GAP.around(RDSBackend, "create_db_instance_read_replica")
def replica_with_its_own_id(original: Any, backend: RDSBackend, db_kwargs: dict[str, Any]) -> DBInstance:
    replica: DBInstance = original(backend, db_kwargs)
    replica.dbi_resource_id = _new_resource_id()
    return replica


@GAP.around(RDSResponse, "create_db_instance")
def created_as_asked(original: Any, response: RDSResponse) -> ActionResult:
    return _observed_as_asked(original(response), response)


@GAP.around(RDSResponse, "modify_db_instance")
def modified_as_asked(original: Any, response: RDSResponse) -> ActionResult:
    return _observed_as_asked(original(response), response)


@GAP.around(RDSResponse, "create_db_instance_read_replica")
def replica_inherits_only_what_aws_lets_it(original: Any, response: RDSResponse) -> ActionResult:
    result: ActionResult = original(response)
    replica = _instance_in(result)
    get = response._get_param
    replica.tags = [{"Key": tag["Key"], "Value": tag.get("Value", "")} for tag in get("Tags") or []]
    replica.enabled_cloudwatch_logs_exports = list(get("EnableCloudwatchLogsExports") or [])
    replica.max_allocated_storage = get("MaxAllocatedStorage") or replica.allocated_storage
    replica.monitoring_interval = get("MonitoringInterval") or 0
    replica.monitoring_role_arn = get("MonitoringRoleArn")
    replica.performance_insights_enabled = False
    return _observed_as_asked(result, response)


@GAP.also
def data_api_as_asked() -> None:
    """The Data API is on or off as asked; moto knows which engines of 2021 had it and refuses all later ones."""

    def read(cluster: DBCluster) -> bool:
        return cluster._enable_http_endpoint

    def write(cluster: DBCluster, asked: bool | None) -> None:
        cluster._enable_http_endpoint = bool(asked)

    DBCluster.enable_http_endpoint = property(read, write)  # type: ignore[assignment]  # moto has one that cannot be set


@GAP.around(MasterUserSecret, "_generate_secret_string")
def secret_of_the_master_user(original: Any, secret: MasterUserSecret) -> str:
    del original
    return json.dumps({"username": secret.resource.master_username, "password": secrets.token_hex(14)})


@GAP.around(DBInstance, "update")
def version_and_managed_secret_stay(original: Any, instance: DBInstance, **asked: Any) -> None:
    asked["engine_version"] = _changed_version(instance, asked.get("engine_version"))
    if instance.manage_master_user_password and asked.get("manage_master_user_password"):
        del asked["manage_master_user_password"]
    original(instance, **asked)


@GAP.around(RDSBackend, "modify_db_cluster")
def version_and_managed_secret_of_a_cluster_stay(
    original: Any, backend: RDSBackend, kwargs: dict[str, Any]
) -> DBCluster:
    cluster = backend.clusters.get(kwargs["db_cluster_identifier"])
    if cluster is not None and kwargs.get("engine_version"):
        kwargs["engine_version"] = _changed_version(cluster, kwargs["engine_version"])
    if cluster is not None and cluster.manage_master_user_password and kwargs.get("manage_master_user_password"):
        del kwargs["manage_master_user_password"]
    changed: DBCluster = original(backend, kwargs)
    return changed


@GAP.action(RDSResponse)
def enable_http_endpoint(self: RDSResponse) -> ActionResult:
    return _set_data_api(self, enabled=True)


@GAP.action(RDSResponse)
def disable_http_endpoint(self: RDSResponse) -> ActionResult:
    return _set_data_api(self, enabled=False)


@GAP.around(DBCluster, "scaling_configuration_info")
def scaling_only_when_asked(original: Callable[[DBCluster], Record], cluster: DBCluster) -> Record | None:
    return original(cluster) if cluster.scaling_configuration else None


@GAP.around(DBParameterGroup, "update_parameters")
def parameters_set_by_the_user(original: Any, group: DBParameterGroup, new_parameters: Iterable[Record]) -> None:
    given = {"IsModifiable": True, "ApplyType": "dynamic"}
    original(group, [given | dict(parameter) | {"Source": "user"} for parameter in new_parameters])


@GAP.action(RDSResponse)
def reset_db_parameter_group(self: RDSResponse) -> ActionResult:
    name = self._get_param("DBParameterGroupName")
    group = self.backend.describe_db_parameter_groups({"db_parameter_group_name": name})[0]
    if self._get_param("ResetAllParameters"):
        group.parameters.clear()
    for parameter in self._get_param("Parameters") or []:
        group.parameters.pop(parameter["ParameterName"], None)
    return ActionResult({"DBParameterGroupName": name})


def upgrade_minor_versions(account_id: str, region: str, names: Container[str]) -> dict[str, str]:
    """Upgrade databases and clusters as AWS does in a maintenance window; returns identifier → new version.

    A database that has the newest known version gets the one after, as if AWS had released it since.
    """
    backend: Any = rds_backends[account_id][region]
    known = facts.at_hand()
    upgraded, released = {}, []
    for name, database in (*backend.clusters.items(), *backend.databases.items()):
        if name not in names or isinstance(database, DBInstanceClustered):  # a member has its cluster's version
            continue
        current = database.engine_version
        series, _, minor = current.rpartition(".")
        offered = known.database_versions.get(database.engine, ()) if known else ()
        newest = resolve(series, offered) or current
        database.engine_version = newest if newest != current else f"{series}.{int(minor) + 1}"
        upgraded[name] = database.engine_version
        released.append((database.engine, database.engine_version))
    for engine, version in released:
        facts.release_database_version(engine, version)
    return upgraded


def _keep_lifecycle_support(database: Any, asked: Mapping[str, Any]) -> None:
    database.engine_lifecycle_support = asked.get("engine_lifecycle_support") or "open-source-rds-extended-support"


def _version(engine: str | None, asked: str | None) -> str | None:
    """The version that a release series stands for; what was asked for when no facts say."""
    known = facts.at_hand()
    offered = known.database_versions.get(engine or "", ()) if known else ()
    return (resolve(asked, offered) or asked) if asked else asked


def _changed_version(database: DBInstance | DBCluster, asked: str | None) -> str | None:
    """The version after a change: the same when it is of the release series asked for."""
    current = str(database.engine_version)
    return current if asked and current.startswith(f"{asked}.") else _version(database.engine, asked)


@GAP.action(RDSResponse)
def describe_db_engine_versions(self: RDSResponse) -> ActionResult:
    get = self._get_param
    versions: list[Record] = []
    for engine, known in facts.needed().database_versions.items():
        if get("Engine") not in (None, engine):
            continue
        asked = get("EngineVersion") or ""
        matching = [version for version in known if not asked or version == asked or version.startswith(f"{asked}.")]
        if get("DefaultOnly"):
            matching = matching[-1:]
        versions += [_engine_version(engine, version) for version in matching]
    family = get("DBParameterGroupFamily")
    return ActionResult({"DBEngineVersions": [v for v in versions if family in (None, v["DBParameterGroupFamily"])]})


def _engine_version(engine: str, version: str) -> Record:
    numbers = version.split(".")
    return {
        "Engine": engine,
        "EngineVersion": version,
        "DBParameterGroupFamily": engine + ".".join(numbers[: 2 if engine in _SECONDARY_IN_FAMILY else 1]),
        "DBEngineDescription": engine,
        "DBEngineVersionDescription": f"{engine} {version}",
        "Status": "available",
        "ValidUpgradeTarget": [],
        "ExportableLogTypes": [],
        "SupportsLogExportsToCloudwatchLogs": True,
        "SupportsReadReplica": True,
        "SupportedEngineModes": ["provisioned"],
        "SupportedFeatureNames": [],
    }


def _observed_as_asked(result: ActionResult, response: RDSResponse) -> ActionResult:
    """Give the instance of the result the Performance Insights and monitoring settings of the request."""
    instance = _instance_in(result)
    get = response._get_param
    insights = get("EnablePerformanceInsights")
    if insights is not None:
        instance.performance_insights_enabled = insights
    if insights:
        instance.performance_insights_retention_period = (
            get("PerformanceInsightsRetentionPeriod") or _DEFAULT_INSIGHTS_DAYS
        )
        instance.performance_insights_kms_key_id = (
            get("PerformanceInsightsKMSKeyId")
            or f"arn:{response.partition}:kms:{response.region}:{response.current_account}:key/aws-rds"
        )
    if get("MonitoringRoleArn") is not None:
        instance.monitoring_role_arn = get("MonitoringRoleArn")
    if get("MonitoringInterval") is not None:
        instance.monitoring_interval = get("MonitoringInterval")
    return result


def _instance_in(result: ActionResult) -> Any:
    """The instance moto returns; it is given attributes moto's class does not have."""
    body: Any = result.result
    return body["DBInstance"]


def _set_data_api(response: RDSResponse, *, enabled: bool) -> ActionResult:
    arn = response._get_param("ResourceArn")
    for cluster in response.backend.describe_db_clusters():
        if cluster.db_cluster_arn == arn:
            cluster.enable_http_endpoint = enabled
            return ActionResult({"ResourceArn": arn, "HttpEndpointEnabled": enabled})
    raise DBClusterNotFoundError(arn)


def _new_resource_id() -> str:
    return "db-" + "".join(random.choices(string.ascii_uppercase + string.digits, k=26))  # noqa: S311  # not a secret
