"""ElastiCache clusters (`aws_elasticache_cluster`): memcached, and Redis on a single node.

moto has no ModifyCacheCluster, no memcached configuration endpoint, and never makes the member clusters of a
replication group, which the provider reads after it has made the group.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.elasticache.responses import ElastiCacheResponse

from emulator.gap import Gap
from emulator.gaps import elasticache_common as common
from emulator.store import Record

GAP = Gap("elasticache")

_PORTS = {"memcached": 11211, "redis": 6379, "valkey": 6379}
_CHANGED_AS_GIVEN = (
    "CacheNodeType",
    "PreferredMaintenanceWindow",
    "SnapshotWindow",
    "SnapshotRetentionLimit",
    "AutoMinorVersionUpgrade",
)


@GAP.action(ElastiCacheResponse, replaces=True)
def create_cache_cluster(self: ElastiCacheResponse) -> ActionResult:
    name = self._get_param("CacheClusterId")
    if name in common.clusters.at(self):
        raise GAP.error("CacheClusterAlreadyExists", f"Cache cluster {name} already exists.")
    engine = self._get_param("Engine") or "redis"
    count = self._get_param("NumCacheNodes") or 1
    zones = self._get_param("PreferredAvailabilityZones") or zones_of(self)[:1]
    cluster = new_cluster(self, template(self, engine), name, node_count=count, zones=zones)
    cluster["PreferredAvailabilityZone"] = self._get_param("PreferredAvailabilityZone") or zones[0]
    if self._get_param("AZMode") == "cross-az" and count > 1:
        cluster["PreferredAvailabilityZone"] = "Multiple"
    common.tag(self, cluster["ARN"])
    return ActionResult({"CacheCluster": cluster})


@GAP.action(ElastiCacheResponse, replaces=True)
def describe_cache_clusters(self: ElastiCacheResponse) -> ActionResult:
    name = self._get_param("CacheClusterId")
    return ActionResult({"CacheClusters": common.found(self, common.clusters, name)})


@GAP.action(ElastiCacheResponse)
def modify_cache_cluster(self: ElastiCacheResponse) -> ActionResult:
    cluster = common.find(self, common.clusters, self._get_param("CacheClusterId"))
    change(self, cluster)
    count = self._get_param("NumCacheNodes")
    if count:
        zones = [node["CustomerAvailabilityZone"] for node in cluster["CacheNodes"]]
        port = cluster["CacheNodes"][0]["Endpoint"]["Port"]
        cluster["CacheNodes"] = _nodes(self, cluster["CacheClusterId"], port, count, zones)
        cluster["NumCacheNodes"] = count
    return ActionResult({"CacheCluster": cluster})


@GAP.action(ElastiCacheResponse, replaces=True)
def delete_cache_cluster(self: ElastiCacheResponse) -> ActionResult:
    cluster = common.find(self, common.clusters, self._get_param("CacheClusterId"))
    del common.clusters.at(self)[cluster["CacheClusterId"]]
    return ActionResult({"CacheCluster": {**cluster, "CacheClusterStatus": "deleting"}})


def template(response: ElastiCacheResponse, engine: str, *, cluster_mode: bool = False) -> Record:
    """Properties that all clusters made by one request share."""
    get = response._get_param
    version = common.full_version(engine, get("EngineVersion"))
    subnet_group = get("CacheSubnetGroupName") or "default"
    if subnet_group != "default":
        common.find(response, common.subnet_groups, subnet_group)
    parameter_group = get("CacheParameterGroupName") or common.default_parameter_group(
        engine, version, cluster_mode=cluster_mode
    )
    made: Record = {
        "Engine": engine,
        "EngineVersion": version,
        "CacheClusterStatus": "available",
        "CacheNodeType": get("CacheNodeType"),
        "PreferredMaintenanceWindow": get("PreferredMaintenanceWindow") or "sun:05:00-sun:06:00",
        "CacheSecurityGroups": [],
        "CacheParameterGroup": _parameter_group(response, parameter_group),
        "CacheSubnetGroupName": subnet_group,
        "AutoMinorVersionUpgrade": get("AutoMinorVersionUpgrade", True),
        "SecurityGroups": _security_groups(get("SecurityGroupIds")),
        "AuthTokenEnabled": bool(get("AuthToken")),
        "TransitEncryptionEnabled": get("TransitEncryptionEnabled", False),
        "AtRestEncryptionEnabled": get("AtRestEncryptionEnabled", False),
        "NetworkType": get("NetworkType") or "ipv4",
        "IpDiscovery": get("IpDiscovery") or "ipv4",
        "LogDeliveryConfigurations": log_deliveries(get("LogDeliveryConfigurations")),
        "Port": get("Port") or _PORTS[engine],
    }
    if made["TransitEncryptionEnabled"]:
        made["TransitEncryptionMode"] = get("TransitEncryptionMode") or "required"
    if engine != "memcached":
        made["SnapshotRetentionLimit"] = get("SnapshotRetentionLimit", 0)
        made["SnapshotWindow"] = get("SnapshotWindow") or "03:00-04:00"
    if get("NotificationTopicArn"):
        made["NotificationConfiguration"] = {"TopicArn": get("NotificationTopicArn"), "TopicStatus": "active"}
    return made


def new_cluster(
    response: ElastiCacheResponse, made_from: Record, name: str, *, node_count: int, zones: list[str]
) -> Record:
    """Make and keep a cluster; node i stands in zone i, counted around."""
    cluster = {key: value for key, value in made_from.items() if key != "Port"}
    port = made_from["Port"]
    cluster |= {
        "CacheClusterId": name,
        "ARN": common.arn(response, "cluster", name),
        "CacheClusterCreateTime": utcnow(),
        "CacheParameterGroup": dict(made_from["CacheParameterGroup"]),
        "NumCacheNodes": node_count,
        "PreferredAvailabilityZone": zones[0],
        "CacheNodes": _nodes(response, name, port, node_count, zones),
    }
    if cluster["Engine"] == "memcached":
        cluster["ConfigurationEndpoint"] = common.endpoint(response, f"{name}.cfg", port)
    common.clusters.at(response)[name] = cluster
    return cluster


def change(response: ElastiCacheResponse, cluster: Record) -> None:
    """Apply what ModifyCacheCluster and ModifyReplicationGroup change alike."""
    get = response._get_param
    cluster |= {name: get(name) for name in _CHANGED_AS_GIVEN if get(name) is not None}
    if get("EngineVersion"):
        cluster["EngineVersion"] = common.full_version(cluster["Engine"], get("EngineVersion"))
    if get("CacheParameterGroupName"):
        cluster["CacheParameterGroup"] = _parameter_group(response, get("CacheParameterGroupName"))
    if get("SecurityGroupIds"):
        cluster["SecurityGroups"] = _security_groups(get("SecurityGroupIds"))
    if get("NotificationTopicArn"):
        cluster["NotificationConfiguration"] = {"TopicArn": get("NotificationTopicArn"), "TopicStatus": "active"}
    if get("LogDeliveryConfigurations") is not None:
        changed = get("LogDeliveryConfigurations")
        kinds = {delivery["LogType"] for delivery in changed}
        kept = [d for d in cluster["LogDeliveryConfigurations"] if d["LogType"] not in kinds]
        cluster["LogDeliveryConfigurations"] = kept + log_deliveries(changed)


def zones_of(response: ElastiCacheResponse, subnet_group: str | None = None) -> list[str]:
    """The availability zones a cluster may stand in: those of its subnet group, else the region's first three."""
    name = subnet_group or response._get_param("CacheSubnetGroupName")
    group = common.subnet_groups.at(response).get(name)
    if group is None:
        return [f"{response.region}{letter}" for letter in "abc"]
    return sorted({subnet["SubnetAvailabilityZone"]["Name"] for subnet in group["Subnets"]})


def log_deliveries(asked: list[dict[str, Any]] | None) -> list[Record]:
    """Log deliveries as AWS reports them: those switched off are absent, the others active."""
    reported = ("LogType", "DestinationType", "DestinationDetails", "LogFormat")
    return [
        {**{name: delivery.get(name) for name in reported}, "Status": "active"}
        for delivery in asked or []
        if delivery.get("Enabled", True)
    ]


def _nodes(response: ElastiCacheResponse, name: str, port: int, count: int, zones: list[str]) -> list[Record]:
    return [
        {
            "CacheNodeId": f"{number:04d}",
            "CacheNodeStatus": "available",
            "CacheNodeCreateTime": utcnow(),
            "Endpoint": common.endpoint(response, f"{name}.{number:04d}", port),
            "ParameterGroupStatus": "in-sync",
            "CustomerAvailabilityZone": zones[(number - 1) % len(zones)],
        }
        for number in range(1, count + 1)
    ]


def _parameter_group(response: ElastiCacheResponse, name: str) -> Record:
    return {
        "CacheParameterGroupName": common.known_parameter_group(response, name),
        "ParameterApplyStatus": "in-sync",
        "CacheNodeIdsToReboot": [],
    }


def _security_groups(ids: list[str] | None) -> list[Record]:
    return [{"SecurityGroupId": group_id, "Status": "active"} for group_id in ids or []]
