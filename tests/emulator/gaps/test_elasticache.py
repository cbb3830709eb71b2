"""ElastiCache: clusters, replication groups with cluster mode off and on, and the groups they need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

Aws = Callable[..., Any]


@pytest.fixture
def cache(aws: Aws) -> Any:
    return aws("elasticache")


@pytest.fixture
def subnet_group(aws: Aws, cache: Any) -> str:
    ec2 = aws("ec2")
    subnets = [subnet["SubnetId"] for subnet in ec2.describe_subnets()["Subnets"][:2]]
    cache.create_cache_subnet_group(
        CacheSubnetGroupName="private", CacheSubnetGroupDescription="private", SubnetIds=subnets
    )
    return "private"


def _group(cache: Any, name: str) -> dict[str, Any]:
    group: dict[str, Any] = cache.describe_replication_groups(ReplicationGroupId=name)["ReplicationGroups"][0]
    return group


def _clustered(cache: Any, **settings: Any) -> None:
    cache.create_replication_group(
        **{
            "ReplicationGroupId": "app",
            "ReplicationGroupDescription": "the app's",
            "CacheNodeType": "cache.t3.micro",
            "EngineVersion": "7.1",
            "NumNodeGroups": 2,
            "ReplicasPerNodeGroup": 1,
            "AutomaticFailoverEnabled": True,
            **settings,
        }
    )


def test_cluster_mode_has_a_configuration_endpoint_shards_and_members(cache: Any, subnet_group: str) -> None:
    _clustered(cache, CacheSubnetGroupName=subnet_group, CacheParameterGroupName="default.redis7.cluster.on")
    group = _group(cache, "app")
    assert group["ClusterEnabled"] is True
    assert group["ConfigurationEndpoint"] == {
        "Address": "clustercfg.app.abc123.euc1.cache.amazonaws.com",
        "Port": 6379,
    }
    assert [shard["Slots"] for shard in group["NodeGroups"]] == ["0-8191", "8192-16383"]
    assert group["MemberClusters"] == ["app-0001-001", "app-0001-002", "app-0002-001", "app-0002-002"]
    for member in group["MemberClusters"]:
        cluster = cache.describe_cache_clusters(CacheClusterId=member, ShowCacheNodeInfo=True)["CacheClusters"][0]
        assert cluster["ReplicationGroupId"] == "app"
        assert cluster["CacheSubnetGroupName"] == subnet_group
        assert cluster["EngineVersion"] == "7.1.0"
    zones = [node["PreferredAvailabilityZone"] for node in group["NodeGroups"][0]["NodeGroupMembers"]]
    assert len(set(zones)) == 2


def test_shards_and_replicas_can_be_changed(cache: Any) -> None:
    _clustered(cache)
    cache.modify_replication_group_shard_configuration(
        ReplicationGroupId="app", NodeGroupCount=3, ApplyImmediately=True
    )
    cache.decrease_replica_count(ReplicationGroupId="app", NewReplicaCount=0, ApplyImmediately=True)
    assert _group(cache, "app")["MemberClusters"] == ["app-0001-001", "app-0002-001", "app-0003-001"]
    cache.increase_replica_count(ReplicationGroupId="app", NewReplicaCount=1, ApplyImmediately=True)
    members = _group(cache, "app")["MemberClusters"]
    assert len(members) == 6
    assert {cluster["CacheClusterId"] for cluster in cache.describe_cache_clusters()["CacheClusters"]} == set(members)


def test_a_parameter_group_can_switch_cluster_mode_on(cache: Any) -> None:
    cache.create_cache_parameter_group(
        CacheParameterGroupName="own", CacheParameterGroupFamily="redis7", Description="own"
    )
    cache.modify_cache_parameter_group(
        CacheParameterGroupName="own",
        ParameterNameValues=[{"ParameterName": "cluster-enabled", "ParameterValue": "yes"}],
    )
    _clustered(cache, NumNodeGroups=1, CacheParameterGroupName="own")
    assert _group(cache, "app")["ConfigurationEndpoint"]["Port"] == 6379


def test_without_cluster_mode_there_is_a_primary_and_a_reader(cache: Any) -> None:
    cache.create_replication_group(
        ReplicationGroupId="plain",
        ReplicationGroupDescription="plain",
        NumCacheClusters=2,
        CacheNodeType="cache.t3.micro",
    )
    group = _group(cache, "plain")
    assert group["ClusterEnabled"] is False
    assert "ConfigurationEndpoint" not in group
    shard = group["NodeGroups"][0]
    assert shard["PrimaryEndpoint"]["Address"].startswith("master.plain.")
    assert shard["ReaderEndpoint"]["Address"].startswith("replica.plain.")
    assert [node["CurrentRole"] for node in shard["NodeGroupMembers"]] == ["primary", "replica"]


def test_a_change_reaches_the_group_and_its_members(cache: Any) -> None:
    _clustered(cache)
    cache.modify_replication_group(
        ReplicationGroupId="app", SnapshotRetentionLimit=5, CacheNodeType="cache.t3.small", MultiAZEnabled=True
    )
    group = _group(cache, "app")
    assert (group["SnapshotRetentionLimit"], group["MultiAZ"]) == (5, "enabled")
    assert {cluster["CacheNodeType"] for cluster in cache.describe_cache_clusters()["CacheClusters"]} == {
        "cache.t3.small"
    }


def test_a_deleted_group_takes_its_members_along(cache: Any) -> None:
    _clustered(cache)
    cache.delete_replication_group(ReplicationGroupId="app")
    assert cache.describe_cache_clusters()["CacheClusters"] == []
    with pytest.raises(ClientError, match="ReplicationGroupNotFoundFault"):
        cache.describe_replication_groups(ReplicationGroupId="app")


@pytest.mark.parametrize(
    "settings",
    [
        {"AuthToken": "0123456789abcdef"},  # without encryption in transit
        {"AutomaticFailoverEnabled": False},  # with cluster mode
    ],
)
def test_combinations_aws_refuses_are_refused(cache: Any, settings: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match="InvalidParameterCombination"):
        _clustered(cache, **settings)


def test_log_delivery_comes_back_active(cache: Any) -> None:
    delivery = {
        "LogType": "slow-log",
        "DestinationType": "cloudwatch-logs",
        "DestinationDetails": {"CloudWatchLogsDetails": {"LogGroup": "/redis"}},
        "LogFormat": "json",
    }
    _clustered(cache, LogDeliveryConfigurations=[{**delivery, "Enabled": True}])
    assert _group(cache, "app")["LogDeliveryConfigurations"] == [{**delivery, "Status": "active"}]
    cache.modify_replication_group(
        ReplicationGroupId="app", LogDeliveryConfigurations=[{"LogType": "slow-log", "Enabled": False}]
    )
    assert not _group(cache, "app")["LogDeliveryConfigurations"]


def test_memcached_has_a_configuration_endpoint_and_can_grow(cache: Any) -> None:
    cache.create_cache_cluster(
        CacheClusterId="mem", Engine="memcached", NumCacheNodes=1, CacheNodeType="cache.t3.micro"
    )
    cache.modify_cache_cluster(CacheClusterId="mem", NumCacheNodes=2)
    cluster = cache.describe_cache_clusters(CacheClusterId="mem")["CacheClusters"][0]
    assert cluster["ConfigurationEndpoint"]["Port"] == 11211
    assert [node["CacheNodeId"] for node in cluster["CacheNodes"]] == ["0001", "0002"]
    assert cluster["CacheParameterGroup"]["CacheParameterGroupName"] == "default.memcached1.6"


def test_parameters_can_be_set_read_and_reset(cache: Any) -> None:
    cache.create_cache_parameter_group(
        CacheParameterGroupName="own", CacheParameterGroupFamily="redis7", Description="own"
    )
    values = [{"ParameterName": "maxmemory-policy", "ParameterValue": "allkeys-lru"}]
    cache.modify_cache_parameter_group(CacheParameterGroupName="own", ParameterNameValues=values)
    read = cache.describe_cache_parameters(CacheParameterGroupName="own", Source="user")["Parameters"]
    assert [(p["ParameterName"], p["ParameterValue"]) for p in read] == [("maxmemory-policy", "allkeys-lru")]
    cache.reset_cache_parameter_group(CacheParameterGroupName="own", ParameterNameValues=values)
    assert cache.describe_cache_parameters(CacheParameterGroupName="own")["Parameters"] == []
    cache.delete_cache_parameter_group(CacheParameterGroupName="own")
    with pytest.raises(ClientError, match="CacheParameterGroupNotFound"):
        cache.describe_cache_parameter_groups(CacheParameterGroupName="own")


def test_a_subnet_group_in_use_cannot_be_deleted(cache: Any, subnet_group: str) -> None:
    cache.create_cache_cluster(CacheClusterId="c", CacheNodeType="cache.t3.micro", CacheSubnetGroupName=subnet_group)
    with pytest.raises(ClientError, match="CacheSubnetGroupInUse"):
        cache.delete_cache_subnet_group(CacheSubnetGroupName=subnet_group)
    cache.delete_cache_cluster(CacheClusterId="c")
    cache.delete_cache_subnet_group(CacheSubnetGroupName=subnet_group)
    with pytest.raises(ClientError, match="CacheSubnetGroupNotFoundFault"):
        cache.describe_cache_subnet_groups(CacheSubnetGroupName=subnet_group)


def test_a_subnet_group_of_unknown_subnets_is_refused(cache: Any) -> None:
    with pytest.raises(ClientError, match="InvalidSubnet"):
        cache.create_cache_subnet_group(
            CacheSubnetGroupName="x", CacheSubnetGroupDescription="x", SubnetIds=["subnet-00000000"]
        )


def test_a_serverless_cache_can_be_made_changed_and_deleted(cache: Any) -> None:
    cache.create_serverless_cache(ServerlessCacheName="s", Engine="valkey")
    cache.modify_serverless_cache(ServerlessCacheName="s", Description="changed")
    described = cache.describe_serverless_caches(ServerlessCacheName="s")["ServerlessCaches"][0]
    assert (described["Status"], described["MajorEngineVersion"], described["Description"]) == (
        "available",
        "8",
        "changed",
    )
    cache.delete_serverless_cache(ServerlessCacheName="s")
    with pytest.raises(ClientError, match="ServerlessCacheNotFoundFault"):
        cache.describe_serverless_caches(ServerlessCacheName="s")


def test_everything_keeps_its_tags(cache: Any) -> None:
    tags = [{"Key": "Project", "Value": "p"}]
    user = {"UserId": "app", "UserName": "app", "AccessString": "on ~* +@all", "NoPasswordRequired": True}
    arns = [
        cache.create_cache_cluster(CacheClusterId="c", CacheNodeType="cache.t3.micro", Tags=tags)["CacheCluster"][
            "ARN"
        ],
        cache.create_user(**user, Engine="redis", Tags=tags)["ARN"],
    ]
    for arn in arns:
        assert cache.list_tags_for_resource(ResourceName=arn)["TagList"] == tags
        cache.add_tags_to_resource(ResourceName=arn, Tags=[{"Key": "Owner", "Value": "o"}])
        cache.remove_tags_from_resource(ResourceName=arn, TagKeys=["Project"])
        assert cache.list_tags_for_resource(ResourceName=arn)["TagList"] == [{"Key": "Owner", "Value": "o"}]
