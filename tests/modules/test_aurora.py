from __future__ import annotations

from typing import Any

from config.components import AuroraSettings
from modules.aurora import Aurora
from modules.encryption_key import EncryptionKey
from modules.network import Network
from tests.modules.peer import Peer
from tests.modules.synth import ABSENT, Synthesised, assert_subset, sample_stack, synthesised
from tests.modules.test_database import NETWORK


def aurora(*, protect_data: bool = True, **settings: Any) -> Synthesised:
    stack = sample_stack(protect_data=protect_data)
    database = Aurora(
        stack,
        "database",
        name="sample-database",
        network=Network(stack, "network", name="sample", settings=NETWORK),
        settings=AuroraSettings(**{"engine_version": "16", **settings}),
        key=EncryptionKey(stack, "key", name="sample", description="of a sample"),
        database_name="cd2",
        username="cd2_admin",
    )
    database.connections.allow_from(Peer(stack, "task"))
    return synthesised(stack)


def test_it_is_serverless_encrypted_and_has_the_data_api():
    assert_subset(
        aurora().resource("aws_rds_cluster.database"),
        {
            "engine": "aurora-postgresql",
            "serverlessv2_scaling_configuration": {"min_capacity": 0.5, "max_capacity": 4.0},
            "storage_encrypted": True,
            "kms_key_id": "${aws_kms_key.key.arn}",
            "enable_http_endpoint": True,
            "manage_master_user_password": True,
            "master_password": ABSENT,
        },
    )


def test_what_was_applied_is_what_runs():
    result = aurora()
    assert_subset(result.resource("aws_rds_cluster.database"), {"apply_immediately": True})
    instances = result.resources("aws_rds_cluster_instance")
    assert instances
    for instance in instances.values():
        assert_subset(instance, {"apply_immediately": True})


def test_only_allowed_peers_reach_it():
    rules = aurora().resources("aws_vpc_security_group_ingress_rule")
    assert_subset(rules, {"database_from_task": {"from_port": 5432, "to_port": 5432, "cidr_ipv4": ABSENT}})
    assert len(rules) == 1


def test_protected_it_cannot_be_destroyed_and_leaves_a_snapshot():
    assert_subset(
        aurora().resource("aws_rds_cluster.database"),
        {
            "deletion_protection": True,
            "skip_final_snapshot": False,
            "final_snapshot_identifier": "sample-database-final",
            "lifecycle": {"prevent_destroy": True},
        },
    )
    assert_subset(
        aurora(protect_data=False).resource("aws_rds_cluster.database"),
        {"deletion_protection": False, "skip_final_snapshot": True, "lifecycle": {"prevent_destroy": ABSENT}},
    )


def test_the_parameter_group_is_of_the_versions_family_and_asks_for_tls():
    group = aurora(engine_version="15").resource("aws_rds_cluster_parameter_group.database_parameter_group")
    assert group["family"] == "aurora-postgresql15"
    assert {parameter["name"]: parameter["value"] for parameter in group["parameter"]}["rds.force_ssl"] == "1"


def test_readers_stand_beside_the_writer():
    instances = aurora(reader_instances=2).resources("aws_rds_cluster_instance")
    assert set(instances) == {"database_writer", "database_reader_1", "database_reader_2"}
    assert all(instance["publicly_accessible"] is False for instance in instances.values())


def test_the_log_group_is_made_before_the_cluster():
    cluster = aurora().resource("aws_rds_cluster.database")
    assert cluster["depends_on"] == ["aws_cloudwatch_log_group.database_log"]
