"""Read-only answers about what an account may create, which moto lacks.

* RDS: DescribeOrderableDBInstanceOptions knows Aurora PostgreSQL and Neptune only, DescribeEngineDefaultParameters and
  DescribeEngineDefaultClusterParameters are missing. Here a class is offered in every zone or in none, and of a
  family's several hundred parameters those are listed that deployments set, and some that nobody may set.
* ElastiCache: DescribeCacheEngineVersions, DescribeEngineDefaultParameters and DescribeReservedCacheNodesOfferings are
  missing
* SES: GetAccount is missing; an account is in the sandbox, as a new one on AWS
* Service Quotas: knows quotas of VPC only; those of EC2 that a deployment meets are added
"""

from __future__ import annotations

import json
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.models.availability_zones_and_regions import RegionsAndZonesBackend
from moto.elasticache.responses import ElastiCacheResponse
from moto.rds.responses import RDSResponse
from moto.servicequotas.models import ServiceQuotasBackend
from moto.sesv2 import urls
from moto.sesv2.responses import SESV2Response

from emulator import facts
from emulator.gap import Gap

RDS = Gap("rds")
ELASTICACHE = Gap("elasticache")
SERVICE_QUOTAS = Gap("servicequotas")
SESV2 = Gap("sesv2")

_PARAMETERS = {
    "mysql": (
        "character_set_server collation_server local_infile log_bin_trust_function_creators log_output long_query_time"
        " max_connections require_secure_transport slow_query_log sql_mode"
    ),
    "postgres": (
        "log_connections log_lock_waits log_min_duration_statement log_statement max_connections password_encryption"
        " rds.force_ssl"
    ),
    "aurora-postgresql": "log_lock_waits log_min_duration_statement log_statement max_connections rds.force_ssl",
    "redis": "cluster-enabled maxmemory-policy notify-keyspace-events",
    "memcached": "max_item_size max_simultaneous_connections",
}
_FIXED = {"mysql8.0": "default_authentication_plugin", "mysql": "datadir", "postgres": "data_directory"}
"""Family or engine → a parameter that nobody may set: RDS User Guide."""
_SERVERLESS = "db.serverless"
_EC2_QUOTAS = {
    "L-0263D0A3": ("EC2-VPC Elastic IPs", 5.0),
    "L-1216C47A": ("Running On-Demand Standard (A, C, D, H, I, M, R, T, Z) instances", 64.0),
}
"""The default of addresses; a new account may have fewer CPUs, one that runs deployments has asked for more."""


@RDS.action(RDSResponse, replaces=True)
def describe_orderable_db_instance_options(self: RDSResponse) -> ActionResult:
    engine, asked = self._get_param("Engine"), self._get_param("DBInstanceClass") or "db.t4g.micro"
    family, _, size = asked.rpartition(".")
    offered = facts.needed().database_classes.get(engine, {}).get(family, ())
    if size not in offered and asked != _SERVERLESS:
        return ActionResult({"OrderableDBInstanceOptions": []})
    option = {
        "Engine": engine,
        "EngineVersion": self._get_param("EngineVersion"),
        "DBInstanceClass": asked,
        "AvailabilityZones": [{"Name": zone.name} for zone in RegionsAndZonesBackend.zones[self.region]],
        "Vpc": True,
    }
    return ActionResult({"OrderableDBInstanceOptions": [option]})


@RDS.action(RDSResponse)
def describe_engine_default_parameters(self: RDSResponse) -> ActionResult:
    return _defaults(self._get_param("DBParameterGroupFamily"), "DBParameterGroupFamily")


@RDS.action(RDSResponse)
def describe_engine_default_cluster_parameters(self: RDSResponse) -> ActionResult:
    return _defaults(self._get_param("DBParameterGroupFamily"), "DBParameterGroupFamily")


@ELASTICACHE.action(ElastiCacheResponse, name="describe_engine_default_parameters")
def describe_cache_default_parameters(self: ElastiCacheResponse) -> ActionResult:
    return _defaults(self._get_param("CacheParameterGroupFamily"), "CacheParameterGroupFamily")


@ELASTICACHE.action(ElastiCacheResponse)
def describe_cache_engine_versions(self: ElastiCacheResponse) -> ActionResult:
    asked = self._get_param("Engine")
    versions = [
        {"Engine": engine, "EngineVersion": version}
        for engine, known in facts.needed().cache_versions.items()
        if asked in (None, engine)
        for version in known
    ]
    return ActionResult({"CacheEngineVersions": versions})


@ELASTICACHE.action(ElastiCacheResponse)
def describe_reserved_cache_nodes_offerings(self: ElastiCacheResponse) -> ActionResult:
    asked = self._get_param("CacheNodeType")
    family, _, size = asked.rpartition(".")
    known = size in facts.needed().cache_node_types.get(family, ())
    offerings = [{"ReservedCacheNodesOfferingId": asked, "CacheNodeType": asked}] if known else []
    return ActionResult({"ReservedCacheNodesOfferings": offerings})


@SESV2.also
def account_has_a_page() -> None:
    urls.url_paths["{0}/v2/email/account$"] = SESV2Response.dispatch


@SESV2.action(SESV2Response)
def get_account(self: SESV2Response) -> str:
    del self
    return json.dumps({"ProductionAccessEnabled": False, "SendingEnabled": True, "EnforcementStatus": "HEALTHY"})


@SERVICE_QUOTAS.around(ServiceQuotasBackend, "get_service_quota")
def quota_of_ec2_too(original: Any, backend: ServiceQuotasBackend, service_code: str, quota_code: str) -> Any:
    if service_code != "ec2" or quota_code not in _EC2_QUOTAS:
        return original(backend, service_code, quota_code)
    name, value = _EC2_QUOTAS[quota_code]
    return {"ServiceCode": "ec2", "QuotaCode": quota_code, "QuotaName": name, "Value": value, "Adjustable": True}


def _defaults(family: str, key: str) -> ActionResult:
    engine = max((known for known in _PARAMETERS if family.startswith(known)), key=len, default="")
    names = _PARAMETERS.get(engine, "").split()
    fixed = [name for known, name in _FIXED.items() if known in (family, engine)]
    parameters = [{"ParameterName": name, "IsModifiable": name not in fixed} for name in sorted({*names, *fixed})]
    return ActionResult({"EngineDefaults": {key: family, "Parameters": parameters}})
