from __future__ import annotations

from typing import Any

import pytest

from config.components import AdoptedNetwork, DatabaseSettings
from modules.database import Database
from modules.engines import GIB, MYSQL, POSTGRESQL, RdsEngine, memory_bytes
from modules.network import Network
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
SMALL = {"instance_class": "db.t4g.medium", "engine_version": "8.0", "allocated_storage_gib": 20}


def add_database(
    stack: DeploymentStack,
    *,
    engine: RdsEngine = MYSQL,
    extra_parameters: dict[str, str] | None = None,
    **settings: Any,
) -> Database:
    return Database(
        stack,
        "database",
        name="sample-database",
        network=Network(stack, "network", name="sample", settings=NETWORK),
        engine=engine,
        settings=DatabaseSettings(**{**SMALL, **settings}),
        database_name="app",
        username="admin",
        parameters=extra_parameters,
    )


def database(*, protect_data: bool = True, **arguments: Any) -> Synthesised:
    stack = sample_stack(protect_data=protect_data)
    add_database(stack, **arguments)
    return synthesised(stack)


def parameters(result: Synthesised) -> dict[str, str]:
    found = result.resource("aws_db_parameter_group.database_parameter_group")["parameter"]
    return {parameter["name"]: parameter["value"] for parameter in found}


def test_the_database_is_encrypted_backed_up_and_not_public():
    assert_subset(
        database().resource("aws_db_instance.database"),
        {
            "storage_encrypted": True,
            "storage_type": "gp3",
            "backup_retention_period": 7,
            "copy_tags_to_snapshot": True,
            "publicly_accessible": False,
            "auto_minor_version_upgrade": True,
            "db_subnet_group_name": "${aws_db_subnet_group.database_subnet_group.name}",
        },
    )


def test_what_was_applied_is_what_runs_under_a_certificate_that_lasts():
    assert_subset(
        database().resource("aws_db_instance.database"),
        {
            "apply_immediately": True,
            "ca_cert_identifier": "rds-ca-rsa2048-g1",
            "allow_major_version_upgrade": True,
            "monitoring_interval": 60,
        },
    )


def test_it_lies_in_the_private_subnets():
    assert_subset(
        database().resource("aws_db_subnet_group.database_subnet_group"),
        {"subnet_ids": ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb"]},
    )


def test_the_password_never_passes_through_terraform():
    assert_subset(
        database().resource("aws_db_instance.database"),
        {"username": "admin", "manage_master_user_password": True, "password": ABSENT, "password_wo": ABSENT},
    )


def test_only_allowed_peers_reach_it():
    stack = sample_stack()
    add_database(stack).connections.allow_from(Peer(stack, "web"))
    result = synthesised(stack)
    assert set(result.resources("aws_vpc_security_group_ingress_rule")) == {"database_from_web"}
    assert_subset(
        result.resource("aws_vpc_security_group_ingress_rule.database_from_web"),
        {
            "security_group_id": "${aws_security_group.database_security_group.id}",
            "referenced_security_group_id": "${aws_security_group.web_security_group.id}",
            "from_port": 3306,
            "to_port": 3306,
        },
    )


def test_a_protected_database_cannot_be_deleted_and_leaves_a_snapshot():
    assert_subset(
        database(protect_data=True).resource("aws_db_instance.database"),
        {
            "deletion_protection": True,
            "skip_final_snapshot": False,
            "final_snapshot_identifier": "sample-database-final",
            "lifecycle": {"prevent_destroy": True},
        },
    )


def test_another_database_goes_without_a_trace_and_says_why():
    result = database(protect_data=False)
    assert_subset(
        result.resource("aws_db_instance.database"),
        {"deletion_protection": False, "skip_final_snapshot": True, "lifecycle": {"prevent_destroy": ABSENT}},
    )
    assert "CKV_AWS_293" in result.exemptions("aws_db_instance.database")


@pytest.mark.parametrize(
    ("engine", "version", "family"),
    [(MYSQL, "8.0", "mysql8.0"), (MYSQL, "8.4", "mysql8.4"), (POSTGRESQL, "16", "postgres16")],
)
def test_parameters_belong_to_the_release_series(engine: RdsEngine, version: str, family: str):
    group = database(engine=engine, engine_version=version).resource("aws_db_parameter_group.database_parameter_group")
    assert_subset(
        group,
        {
            "family": family,
            "name": f"sample-database-{family.replace('.', '-')}",
            "lifecycle": {"create_before_destroy": True},
        },
    )


@pytest.mark.parametrize(
    ("engine", "version"), [(MYSQL, "8"), (MYSQL, "8.4.3"), (POSTGRESQL, "16.4"), (POSTGRESQL, "16.0.1")]
)
def test_a_version_other_than_a_release_series_is_refused(engine: RdsEngine, version: str):
    with pytest.raises(ValueError, match=f'engine_version = "{version}" is not a release series of {engine.name}'):
        database(engine=engine, engine_version=version)


def test_extended_support_is_off_and_costs_a_reason():
    reason = "The application is retired before the price matters"
    for extra, expected in (
        ({}, "open-source-rds-extended-support-disabled"),
        ({"extended_support": True, "reasons": {"extended_support": reason}}, "open-source-rds-extended-support"),
    ):
        assert database(**extra).resource("aws_db_instance.database")["engine_lifecycle_support"] == expected
    with pytest.raises(ValueError, match="needs a reason"):
        database(extended_support=True)


@pytest.mark.parametrize(
    ("engine", "version", "parameter"),
    [(MYSQL, "8.0", "require_secure_transport"), (POSTGRESQL, "16", "rds.force_ssl")],
)
def test_clients_must_speak_tls(engine: RdsEngine, version: str, parameter: str):
    assert parameters(database(engine=engine, engine_version=version))[parameter] == "1"


def test_clear_text_is_let_in_with_a_reason_only():
    reason = "The application's client speaks no TLS"
    result = database(require_tls=False, reasons={"require_tls": reason})
    assert parameters(result)["require_secure_transport"] == "0"
    assert result.exemptions("aws_db_instance.database")["CKV2_AWS_69"] == reason


@pytest.mark.parametrize("where", ["parameters", "extra_parameters"])
def test_tls_is_not_switched_behind_the_setting(where: str):
    with pytest.raises(ValueError, match='parameters sets require_secure_transport = "0": say require_tls'):
        database(**{where: {"require_secure_transport": "0"}})


def test_settings_have_the_last_word_on_parameters():
    result = parameters(
        database(
            extra_parameters={"log_bin_trust_function_creators": "1", "long_query_time": "5"},
            parameters={"long_query_time": "1"},
        )
    )
    assert_subset(result, {"log_bin_trust_function_creators": "1", "long_query_time": "1", "slow_query_log": "1"})


def test_logs_go_to_cloudwatch_for_a_year_and_are_not_made_by_rds():
    result = database()
    assert_subset(
        result.resource("aws_cloudwatch_log_group.database_slowquery_log"),
        {"name": "/aws/rds/instance/sample-database/slowquery", "retention_in_days": 365},
    )
    assert_subset(
        result.resource("aws_db_instance.database"),
        {
            "enabled_cloudwatch_logs_exports": ["error", "slowquery"],
            "depends_on": [
                "aws_cloudwatch_log_group.database_error_log",
                "aws_cloudwatch_log_group.database_slowquery_log",
            ],
        },
    )


def test_monitoring_waits_until_its_role_may_report():
    result = database()
    arn = result.resource("aws_db_instance.database")["monitoring_role_arn"]
    assert "aws_iam_role_policy_attachment.database_monitoring_role_report" in arn


def test_no_monitoring_needs_no_role():
    result = database(monitoring_interval_seconds=0)
    assert_subset(
        result.resource("aws_db_instance.database"), {"monitoring_interval": 0, "monitoring_role_arn": ABSENT}
    )
    assert result.resources("aws_iam_role") == {}


def test_the_reasons_of_the_settings_stand_at_the_database():
    reasons = {
        "storage_encrypted": "The document asks for no encryption",
        "backup_retention_days": "The document asks for no backups",
    }
    exemptions = database(storage_encrypted=False, backup_retention_days=0, reasons=reasons).exemptions(
        "aws_db_instance.database"
    )
    assert exemptions["unencrypted-database"] == exemptions["CKV_AWS_16"] == reasons["storage_encrypted"]
    assert exemptions["no-backups"] == exemptions["CKV_AWS_133"] == reasons["backup_retention_days"]


def test_the_password_is_read_by_grant():
    stack = sample_stack()
    add_database(stack).grant_read_secret(Peer(stack, "web"))
    assert_subset(
        synthesised(stack).policy("aws_iam_role_policy.database_secret_read_by_web"),
        {
            "ReadSecret": {
                "Action": ["secretsmanager:GetSecretValue"],
                "Resource": ["${aws_db_instance.database.master_user_secret[0].secret_arn}"],
            }
        },
    )


def test_alarms_follow_the_size_of_the_database():
    small = {w.role: w for w in add_database(sample_stack()).watches()}
    large = {
        w.role: w
        for w in add_database(sample_stack(), instance_class="db.r6g.xlarge", allocated_storage_gib=100).watches()
    }
    assert set(small) == {"cpu", "free_storage", "freeable_memory", "connections"}
    assert (small["free_storage"].threshold, large["free_storage"].threshold) == (2 * GIB, 10 * GIB)
    assert large["freeable_memory"].threshold // small["freeable_memory"].threshold == 8
    assert (small["connections"].threshold, large["connections"].threshold) == (227, 1820)


@pytest.mark.parametrize(
    ("instance_class", "gib"),
    [
        ("db.t3.micro", 1),
        ("db.t4g.small", 2),
        ("db.m5.large", 8),
        ("db.r6g.large", 16),
        ("db.r6g.16xlarge", 512),
        ("db.x2g.xlarge", 64),
    ],
)
def test_memory_is_known_from_the_class(instance_class: str, gib: int):
    assert memory_bytes(instance_class) == gib * GIB
