"""ElastiCache serverless caches (`aws_elasticache_serverless_cache`): missing in moto."""

from __future__ import annotations

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.elasticache.responses import ElastiCacheResponse

from emulator.gap import Gap
from emulator.gaps import elasticache_common as common
from emulator.store import Record

GAP = Gap("elasticache")

_CHANGEABLE = (
    "Description",
    "CacheUsageLimits",
    "SecurityGroupIds",
    "SnapshotRetentionLimit",
    "DailySnapshotTime",
    "UserGroupId",
)
_MAJOR_VERSIONS = {"valkey": "8", "redis": "7", "memcached": "1.6"}
_PORT = 6379


@GAP.action(ElastiCacheResponse)
def create_serverless_cache(self: ElastiCacheResponse) -> ActionResult:
    get = self._get_param
    name = get("ServerlessCacheName")
    if name in common.serverless_caches.at(self):
        raise GAP.error("ServerlessCacheAlreadyExistsFault", f"Serverless cache {name} already exists.")
    engine = get("Engine")
    cache: Record = {
        "ServerlessCacheName": name,
        "ARN": common.arn(self, "serverlesscache", name),
        "Description": get("Description") or " ",
        "CreateTime": utcnow(),
        "Status": "available",
        "Engine": engine,
        "MajorEngineVersion": get("MajorEngineVersion") or _MAJOR_VERSIONS[engine],
        "FullEngineVersion": common.NEWEST[engine],
        "CacheUsageLimits": get("CacheUsageLimits"),
        "KmsKeyId": get("KmsKeyId"),
        "SecurityGroupIds": list(get("SecurityGroupIds") or []),
        "SubnetIds": list(get("SubnetIds") or []),
        "SnapshotRetentionLimit": get("SnapshotRetentionLimit", 0),
        "DailySnapshotTime": get("DailySnapshotTime") or "05:00",
        "UserGroupId": get("UserGroupId"),
        "Endpoint": common.endpoint(self, f"{name}.serverless", _PORT),
        "ReaderEndpoint": common.endpoint(self, f"{name}.serverless", _PORT + 1),
    }
    common.serverless_caches.at(self)[name] = {key: value for key, value in cache.items() if value is not None}
    common.tag(self, cache["ARN"])
    return ActionResult({"ServerlessCache": cache})


@GAP.action(ElastiCacheResponse)
def describe_serverless_caches(self: ElastiCacheResponse) -> ActionResult:
    name = self._get_param("ServerlessCacheName")
    return ActionResult({"ServerlessCaches": common.found(self, common.serverless_caches, name)})


@GAP.action(ElastiCacheResponse)
def modify_serverless_cache(self: ElastiCacheResponse) -> ActionResult:
    cache = common.find(self, common.serverless_caches, self._get_param("ServerlessCacheName"))
    cache |= {name: self._get_param(name) for name in _CHANGEABLE if self._get_param(name) is not None}
    return ActionResult({"ServerlessCache": cache})


@GAP.action(ElastiCacheResponse)
def delete_serverless_cache(self: ElastiCacheResponse) -> ActionResult:
    cache = common.find(self, common.serverless_caches, self._get_param("ServerlessCacheName"))
    del common.serverless_caches.at(self)[cache["ServerlessCacheName"]]
    return ActionResult({"ServerlessCache": {**cache, "Status": "deleting"}})
