"""ElastiCache replication groups (`aws_elasticache_replication_group`), with cluster mode off and on.

moto makes no member clusters (the provider then fails with a 404 on plan and destroy as well), no configuration
endpoint and no shards, and has none of the actions that change the number of shards or replicas.
"""

from __future__ import annotations

from moto.core.responses import ActionResult
from moto.core.utils import utcnow
from moto.elasticache.responses import ElastiCacheResponse

from emulator.gap import Gap
from emulator.gaps import elasticache_clusters as members
from emulator.gaps import elasticache_common as common
from emulator.store import Record, Shelf

GAP = Gap("elasticache")

_templates: Shelf[str, Record] = Shelf("elasticache", "member templates", counted=False)
_SLOTS = 16384


@GAP.action(ElastiCacheResponse, replaces=True)
def create_replication_group(self: ElastiCacheResponse) -> ActionResult:
    get = self._get_param
    name = get("ReplicationGroupId")
    if name in common.replication_groups.at(self):
        raise GAP.error("ReplicationGroupAlreadyExists", f"Replication group {name} already exists.")
    engine = get("Engine") or "redis"
    shards = get("NumNodeGroups") or 1
    replicas = get("ReplicasPerNodeGroup")
    nodes_per_shard = replicas + 1 if replicas is not None else get("NumCacheClusters") or 1
    parameter_group = get("CacheParameterGroupName") or ""
    cluster_mode = (
        shards > 1
        or get("ClusterMode") == "enabled"
        or parameter_group.endswith(".cluster.on")
        or _parameter(self, parameter_group, "cluster-enabled") == "yes"
    )
    _refuse_what_aws_refuses(self, cluster_mode=cluster_mode, nodes_per_shard=nodes_per_shard)
    made_from = members.template(self, engine, cluster_mode=cluster_mode) | {"ReplicationGroupId": name}
    group: Record = {
        "ReplicationGroupId": name,
        "ARN": common.arn(self, "replicationgroup", name),
        "Description": get("ReplicationGroupDescription"),
        "Status": "available",
        "Engine": engine,
        "ReplicationGroupCreateTime": utcnow(),
        "ClusterEnabled": cluster_mode,
        "ClusterMode": get("ClusterMode") or ("enabled" if cluster_mode else "disabled"),
        "AutomaticFailover": _enabled(get("AutomaticFailoverEnabled")),
        "MultiAZ": _enabled(get("MultiAZEnabled")),
        "UserGroupIds": list(get("UserGroupIds") or []),
        "DataTiering": _enabled(get("DataTieringEnabled")),
        **{
            key: made_from[key]
            for key in (
                "CacheNodeType",
                "AuthTokenEnabled",
                "TransitEncryptionEnabled",
                "AtRestEncryptionEnabled",
                "AutoMinorVersionUpgrade",
                "NetworkType",
                "IpDiscovery",
                "SnapshotRetentionLimit",
                "SnapshotWindow",
                "LogDeliveryConfigurations",
            )
        },
    }
    if group["TransitEncryptionEnabled"]:
        group["TransitEncryptionMode"] = made_from["TransitEncryptionMode"]
    if get("KmsKeyId"):
        group["KmsKeyId"] = get("KmsKeyId")
    if cluster_mode:
        group["ConfigurationEndpoint"] = common.endpoint(self, f"clustercfg.{name}", made_from["Port"])
    _templates.at(self)[name] = made_from
    common.replication_groups.at(self)[name] = group
    _lay_out(self, group, shards=shards, nodes_per_shard=nodes_per_shard)
    common.tag(self, group["ARN"])
    return ActionResult({"ReplicationGroup": group})


@GAP.action(ElastiCacheResponse, replaces=True)
def describe_replication_groups(self: ElastiCacheResponse) -> ActionResult:
    name = self._get_param("ReplicationGroupId")
    return ActionResult({"ReplicationGroups": common.found(self, common.replication_groups, name)})


@GAP.action(ElastiCacheResponse, replaces=True)
def modify_replication_group(self: ElastiCacheResponse) -> ActionResult:
    get = self._get_param
    group = _group(self)
    of_members = _templates.at(self)[group["ReplicationGroupId"]]
    for cluster in [of_members, *(common.clusters.at(self)[name] for name in group["MemberClusters"])]:
        members.change(self, cluster)
        for name in ("TransitEncryptionEnabled", "TransitEncryptionMode"):
            if get(name) is not None:
                cluster[name] = get(name)
    group |= {name: of_members[name] for name in group if name in of_members and name != "ARN"}
    if get("ReplicationGroupDescription"):
        group["Description"] = get("ReplicationGroupDescription")
    if get("AutomaticFailoverEnabled") is not None:
        group["AutomaticFailover"] = _enabled(get("AutomaticFailoverEnabled"))
    if get("MultiAZEnabled") is not None:
        group["MultiAZ"] = _enabled(get("MultiAZEnabled"))
    for name in ("TransitEncryptionEnabled", "TransitEncryptionMode", "ClusterMode"):
        if get(name) is not None:
            group[name] = get(name)
    if get("AuthToken"):
        group["AuthTokenEnabled"] = get("AuthTokenUpdateStrategy") != "DELETE"
    leaving = get("UserGroupIdsToRemove") or []
    group["UserGroupIds"] = [g for g in group["UserGroupIds"] if g not in leaving] + (get("UserGroupIdsToAdd") or [])
    return ActionResult({"ReplicationGroup": group})


@GAP.action(ElastiCacheResponse)
def modify_replication_group_shard_configuration(self: ElastiCacheResponse) -> ActionResult:
    group = _group(self)
    nodes_per_shard = len(group["NodeGroups"][0]["NodeGroupMembers"])
    _lay_out(self, group, shards=self._get_param("NodeGroupCount"), nodes_per_shard=nodes_per_shard)
    return ActionResult({"ReplicationGroup": group})


@GAP.action(ElastiCacheResponse)
def increase_replica_count(self: ElastiCacheResponse) -> ActionResult:
    return _set_replicas(self)


@GAP.action(ElastiCacheResponse)
def decrease_replica_count(self: ElastiCacheResponse) -> ActionResult:
    return _set_replicas(self)


@GAP.action(ElastiCacheResponse, replaces=True)
def delete_replication_group(self: ElastiCacheResponse) -> ActionResult:
    group = _group(self)
    del common.replication_groups.at(self)[group["ReplicationGroupId"]]
    for name in group["MemberClusters"]:
        common.clusters.at(self).pop(name, None)
    return ActionResult({"ReplicationGroup": {**group, "Status": "deleting"}})


def _set_replicas(response: ElastiCacheResponse) -> ActionResult:
    group = _group(response)
    nodes_per_shard = response._get_param("NewReplicaCount") + 1
    _lay_out(response, group, shards=len(group["NodeGroups"]), nodes_per_shard=nodes_per_shard)
    return ActionResult({"ReplicationGroup": group})


def _lay_out(response: ElastiCacheResponse, group: Record, *, shards: int, nodes_per_shard: int) -> None:
    """Make the group consist of that many shards of that many nodes, keeping the member clusters it has."""
    name = group["ReplicationGroupId"]
    made_from = _templates.at(response)[name]
    zones = members.zones_of(response, made_from["CacheSubnetGroupName"])
    clusters = common.clusters.at(response)
    before = group.get("MemberClusters", [])
    group["MemberClusters"] = []
    group["NodeGroups"] = []
    for shard in range(shards):
        nodes = []
        for number in range(nodes_per_shard):
            member = (
                f"{name}-{shard + 1:04d}-{number + 1:03d}" if group["ClusterEnabled"] else f"{name}-{number + 1:03d}"
            )
            zone = zones[(shard + number) % len(zones)]
            if member not in clusters:
                members.new_cluster(response, made_from, member, node_count=1, zones=[zone])
            group["MemberClusters"].append(member)
            nodes.append(_node(response, group, member, zone, primary=number == 0))
        group["NodeGroups"].append(_shard(response, group, shard, shards, nodes))
    for member in set(before) - set(group["MemberClusters"]):
        del clusters[member]


def _node(response: ElastiCacheResponse, group: Record, member: str, zone: str, *, primary: bool) -> Record:
    node: Record = {"CacheClusterId": member, "CacheNodeId": "0001", "PreferredAvailabilityZone": zone}
    if not group["ClusterEnabled"]:
        port = _templates.at(response)[group["ReplicationGroupId"]]["Port"]
        node["CurrentRole"] = "primary" if primary else "replica"
        node["ReadEndpoint"] = common.endpoint(response, f"{member}.{group['ReplicationGroupId']}", port)
    return node


def _shard(response: ElastiCacheResponse, group: Record, shard: int, shards: int, nodes: list[Record]) -> Record:
    made: Record = {"NodeGroupId": f"{shard + 1:04d}", "Status": "available", "NodeGroupMembers": nodes}
    if group["ClusterEnabled"]:
        made["Slots"] = f"{_SLOTS * shard // shards}-{_SLOTS * (shard + 1) // shards - 1}"
    else:
        name = group["ReplicationGroupId"]
        port = _templates.at(response)[name]["Port"]
        made["PrimaryEndpoint"] = common.endpoint(response, f"master.{name}", port)
        made["ReaderEndpoint"] = common.endpoint(response, f"replica.{name}", port)
    return made


def _refuse_what_aws_refuses(response: ElastiCacheResponse, *, cluster_mode: bool, nodes_per_shard: int) -> None:
    get = response._get_param
    code = "InvalidParameterCombination"
    if get("AuthToken") and not get("TransitEncryptionEnabled"):
        raise GAP.error(code, "The AUTH token is only supported when encryption-in-transit is enabled")
    if cluster_mode and get("AutomaticFailoverEnabled") is False:
        raise GAP.error(code, "Redis with cluster mode enabled cannot be created with auto failover turned off.")
    if not cluster_mode and get("AutomaticFailoverEnabled") and nodes_per_shard < 2:
        raise GAP.error(code, "Automatic failover is not supported for replication groups with one cache cluster.")


def _parameter(response: ElastiCacheResponse, group: str, name: str) -> str | None:
    parameters: dict[str, str] = common.parameter_groups.at(response).get(group, {}).get("Parameters", {})
    return parameters.get(name)


def _group(response: ElastiCacheResponse) -> Record:
    return common.find(response, common.replication_groups, response._get_param("ReplicationGroupId"))


def _enabled(flag: bool | None) -> str:
    return "enabled" if flag else "disabled"
