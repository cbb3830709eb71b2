from __future__ import annotations

from typing import Any

import pytest

from config.components import AdoptedNetwork, RedisSettings
from modules.network import Network
from modules.redis import Redis
from modules.stack import DeploymentStack
from tests.modules.peer import Peer
from tests.modules.synth import ABSENT, Synthesised, assert_subset, sample_stack, synthesised

NETWORK = AdoptedNetwork(
    vpc_id="vpc-0a1b2c3d4e5f60718",
    private_subnet_ids={
        "eu-central-1a": "subnet-0aaaaaaaaaaaaaaaa",
        "eu-central-1b": "subnet-0bbbbbbbbbbbbbbbb",
    },
)
GROUP = "aws_elasticache_replication_group.redis"


def add_redis(stack: DeploymentStack, *, name: str = "sample-redis", **settings: Any) -> Redis:
    return Redis(
        stack,
        "redis",
        name=name,
        network=Network(stack, "network", name="sample", settings=NETWORK),
        settings=RedisSettings(node_type="cache.t4g.micro", **settings),
    )


def redis(*, protect_data: bool = True, **arguments: Any) -> Synthesised:
    stack = sample_stack(protect_data=protect_data)
    stack.output("endpoint", add_redis(stack, **arguments).endpoint, description="Where clients connect")
    return synthesised(stack)


def test_with_cluster_mode_clients_learn_of_all_shards():
    result = redis(cluster_mode=True, num_node_groups=3, replicas_per_node_group=1)
    assert_subset(
        result.resource(GROUP),
        {
            "num_node_groups": 3,
            "replicas_per_node_group": 1,
            "num_cache_clusters": ABSENT,
            "automatic_failover_enabled": True,
        },
    )
    assert_subset(
        result.resource("aws_elasticache_parameter_group.redis_parameter_group"),
        {"family": "redis7", "parameter": [{"name": "cluster-enabled", "value": "yes"}]},
    )
    assert_subset(result.document["output"]["endpoint"], {"value": f"${{{GROUP}.configuration_endpoint_address}}"})


def test_without_cluster_mode_clients_reach_the_primary():
    result = redis(cluster_mode=False, replicas_per_node_group=2)
    assert_subset(
        result.resource(GROUP),
        {"num_cache_clusters": 3, "num_node_groups": ABSENT, "replicas_per_node_group": ABSENT},
    )
    assert not result.resource("aws_elasticache_parameter_group.redis_parameter_group").get("parameter")
    assert_subset(result.document["output"]["endpoint"], {"value": f"${{{GROUP}.primary_endpoint_address}}"})


def test_what_was_applied_is_what_runs():
    assert_subset(redis().resource(GROUP), {"apply_immediately": True})


def test_it_lies_in_the_private_subnets_of_every_zone():
    assert_subset(
        redis().resource("aws_elasticache_subnet_group.redis_subnet_group"),
        {"subnet_ids": ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb"]},
    )


def test_replicas_stand_in_other_zones_and_take_over():
    assert_subset(
        redis(cluster_mode=False, replicas_per_node_group=1).resource(GROUP),
        {"multi_az_enabled": True, "automatic_failover_enabled": True},
    )


def test_a_single_node_says_that_nothing_takes_over():
    result = redis(cluster_mode=False, replicas_per_node_group=0)
    assert_subset(result.resource(GROUP), {"multi_az_enabled": False, "automatic_failover_enabled": False})
    assert "CKV2_AWS_50" in result.exemptions(GROUP)


def test_shards_without_replicas_fail_over_as_cluster_mode_demands():
    assert_subset(
        redis(cluster_mode=True, replicas_per_node_group=0).resource(GROUP),
        {"multi_az_enabled": False, "automatic_failover_enabled": True},
    )


def test_data_is_encrypted_at_rest_and_on_the_way_and_there_is_no_password():
    result = redis()
    assert_subset(
        result.resource(GROUP),
        {"at_rest_encryption_enabled": "true", "transit_encryption_enabled": True, "auth_token": ABSENT},
    )
    assert not {"clear-text-cache", "unencrypted-cache"} & set(result.exemptions(GROUP))


@pytest.mark.parametrize(
    ("version", "mode"), [("5.0.6", ABSENT), ("6.2", ABSENT), ("7.0", "required"), ("7.1", "required")]
)
def test_only_redis_7_is_told_its_mode_of_tls(version: str, mode: object):
    group = redis(engine_version=version).resource(GROUP)
    assert_subset(group, {"transit_encryption_enabled": True, "transit_encryption_mode": mode})


def test_the_reasons_of_the_settings_stand_at_the_group():
    reasons = {
        "transit_encryption_enabled": "The application's client speaks no TLS",
        "at_rest_encryption_enabled": "It holds nothing but counters",
    }
    result = redis(transit_encryption_enabled=False, at_rest_encryption_enabled=False, reasons=reasons)
    exemptions = result.exemptions(GROUP)
    assert exemptions["clear-text-cache"] == exemptions["CKV_AWS_30"] == reasons["transit_encryption_enabled"]
    assert exemptions["unencrypted-cache"] == exemptions["CKV_AWS_29"] == reasons["at_rest_encryption_enabled"]


@pytest.mark.parametrize(("version", "family"), [("7.1", "redis7"), ("6.2", "redis6.x"), ("5.0.6", "redis5.0")])
def test_parameters_belong_to_the_release_series(version: str, family: str):
    assert_subset(
        redis(engine_version=version).resource("aws_elasticache_parameter_group.redis_parameter_group"),
        {
            "family": family,
            "name": f"sample-redis-{family.replace('.', '-')}-cluster",
            "lifecycle": {"create_before_destroy": True},
        },
    )


def test_slow_commands_are_logged_for_a_year():
    result = redis()
    assert_subset(
        result.resource(GROUP),
        {
            "log_delivery_configuration": [
                {
                    "destination": "${aws_cloudwatch_log_group.redis_slow_log.name}",
                    "destination_type": "cloudwatch-logs",
                    "log_type": "slow-log",
                }
            ]
        },
    )
    assert_subset(result.resource("aws_cloudwatch_log_group.redis_slow_log"), {"retention_in_days": 365})


def test_redis_5_delivers_no_logs():
    result = redis(engine_version="5.0.6")
    assert result.resources("aws_cloudwatch_log_group") == {}
    assert not result.resource(GROUP).get("log_delivery_configuration")


@pytest.mark.parametrize(
    ("protect_data", "expected"),
    [
        (True, {"final_snapshot_identifier": "sample-redis-final", "lifecycle": {"prevent_destroy": True}}),
        (False, {"final_snapshot_identifier": ABSENT, "lifecycle": ABSENT}),
    ],
)
def test_what_is_protected_leaves_a_snapshot(protect_data: bool, expected: dict[str, Any]):
    assert_subset(redis(protect_data=protect_data).resource(GROUP), expected)


def test_only_allowed_peers_reach_it():
    stack = sample_stack()
    add_redis(stack).connections.allow_from(Peer(stack, "web"))
    result = synthesised(stack)
    assert set(result.resources("aws_vpc_security_group_ingress_rule")) == {"redis_from_web"}
    assert_subset(
        result.resource("aws_vpc_security_group_ingress_rule.redis_from_web"), {"from_port": 6379, "to_port": 6379}
    )


def test_a_name_that_is_too_long_is_refused():
    with pytest.raises(ValueError, match=r"at most 40 characters, a{41} has 41"):
        redis(name="a" * 41)


def test_every_node_is_watched():
    watches = add_redis(sample_stack(), num_node_groups=2, replicas_per_node_group=1).watches()
    nodes = {watch.dimensions["CacheClusterId"].rpartition("}")[2] for watch in watches}
    assert nodes == {"-0001-001", "-0001-002", "-0002-001", "-0002-002"}
    assert {watch.role.partition("_0")[0]: watch.threshold for watch in watches} == {
        "cpu": 80,
        "memory": 80,
        "evictions": 100,
        "swap": 314_572_800,
        "replication_lag": 10,
    }


def test_a_single_node_lags_behind_nobody():
    watches = add_redis(sample_stack(), cluster_mode=False, replicas_per_node_group=0).watches()
    assert {watch.role for watch in watches} == {"cpu_001", "memory_001", "evictions_001", "swap_001"}
