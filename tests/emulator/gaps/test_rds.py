"""RDS: instances can be told apart, and come back as they were asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from emulator.server import Emulator

Aws = Callable[..., Any]


@pytest.fixture
def rds(aws: Aws) -> Any:
    return aws("rds")


def _instance(rds: Any, name: str, **settings: Any) -> dict[str, Any]:
    rds.create_db_instance(
        **{
            "DBInstanceIdentifier": name,
            "Engine": "mysql",
            "DBInstanceClass": "db.t3.micro",
            "AllocatedStorage": 20,
            "MasterUsername": "admin",
            "ManageMasterUserPassword": True,
            **settings,
        }
    )
    return _described(rds, name)


def _described(rds: Any, name: str) -> dict[str, Any]:
    instance: dict[str, Any] = rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]
    return instance


def test_every_instance_is_found_by_its_own_resource_id(rds: Any) -> None:
    for name in ("one", "two"):
        instance = _instance(rds, name)
        found = rds.describe_db_instances(Filters=[{"Name": "dbi-resource-id", "Values": [instance["DbiResourceId"]]}])[
            "DBInstances"
        ]
        assert [found_one["DBInstanceIdentifier"] for found_one in found] == [name]


def test_a_managed_password_is_a_secret_of_the_account(aws: Aws, rds: Any) -> None:
    secret = _instance(rds, "db")["MasterUserSecret"]["SecretArn"]
    assert "password" in aws("secretsmanager").get_secret_value(SecretId=secret)["SecretString"]


def test_insights_and_monitoring_are_kept_and_changed(rds: Any, account: str) -> None:
    role = f"arn:aws:iam::{account}:role/monitoring"
    instance = _instance(rds, "db", EnablePerformanceInsights=True, MonitoringInterval=60, MonitoringRoleArn=role)
    assert instance["PerformanceInsightsEnabled"] is True
    assert instance["PerformanceInsightsRetentionPeriod"] == 7
    assert (instance["MonitoringInterval"], instance["MonitoringRoleArn"]) == (60, role)
    rds.modify_db_instance(DBInstanceIdentifier="db", EnablePerformanceInsights=False, MonitoringInterval=0)
    changed = _described(rds, "db")
    assert (changed["PerformanceInsightsEnabled"], changed["MonitoringInterval"]) == (False, 0)


def test_a_subnet_group_can_be_changed(rds: Any, aws: Aws) -> None:
    ec2 = aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"eu-central-1{zone}")["Subnet"][
            "SubnetId"
        ]
        for number, zone in enumerate("abc")
    ]
    rds.create_db_subnet_group(DBSubnetGroupName="g", DBSubnetGroupDescription="first", SubnetIds=subnets[:2])
    rds.modify_db_subnet_group(DBSubnetGroupName="g", DBSubnetGroupDescription="second", SubnetIds=subnets)
    (group,) = rds.describe_db_subnet_groups(DBSubnetGroupName="g")["DBSubnetGroups"]
    assert group["DBSubnetGroupDescription"] == "second"
    assert {subnet["SubnetIdentifier"] for subnet in group["Subnets"]} == set(subnets)


def test_a_replica_inherits_only_what_aws_lets_it(rds: Any) -> None:
    source = _instance(
        rds,
        "db",
        BackupRetentionPeriod=1,
        MaxAllocatedStorage=100,
        EnableCloudwatchLogsExports=["error"],
        Tags=[{"Key": "Role", "Value": "source"}],
    )
    rds.create_db_instance_read_replica(DBInstanceIdentifier="replica", SourceDBInstanceIdentifier="db")
    replica = _described(rds, "replica")
    assert replica["ReadReplicaSourceDBInstanceIdentifier"] == "db"
    assert replica["DbiResourceId"] != source["DbiResourceId"]
    assert replica["TagList"] == []
    assert "MaxAllocatedStorage" not in replica
    assert not replica.get("EnabledCloudwatchLogsExports")
    assert _described(rds, "db")["MaxAllocatedStorage"] == 100


def test_parameters_come_back_as_the_users_and_can_be_reset(rds: Any) -> None:
    rds.create_db_parameter_group(DBParameterGroupName="own", DBParameterGroupFamily="mysql8.0", Description="own")
    parameter = {
        "ParameterName": "log_bin_trust_function_creators",
        "ParameterValue": "1",
        "ApplyMethod": "immediate",
    }
    rds.modify_db_parameter_group(DBParameterGroupName="own", Parameters=[parameter])
    read = rds.describe_db_parameters(DBParameterGroupName="own", Source="user")["Parameters"]
    assert [(p["ParameterName"], p["ParameterValue"], p["Source"]) for p in read] == [
        ("log_bin_trust_function_creators", "1", "user")
    ]
    rds.reset_db_parameter_group(DBParameterGroupName="own", Parameters=[parameter])
    assert rds.describe_db_parameters(DBParameterGroupName="own", Source="user")["Parameters"] == []


def test_the_data_api_of_a_cluster_is_as_asked(rds: Any) -> None:
    rds.create_db_cluster(
        DBClusterIdentifier="aurora",
        Engine="aurora-postgresql",
        EngineVersion="16.8",
        MasterUsername="root_user",
        ManageMasterUserPassword=True,
        EnableHttpEndpoint=True,
        ServerlessV2ScalingConfiguration={"MinCapacity": 0.5, "MaxCapacity": 4},
    )
    cluster = rds.describe_db_clusters(DBClusterIdentifier="aurora")["DBClusters"][0]
    assert cluster["HttpEndpointEnabled"] is True
    assert "ScalingConfigurationInfo" not in cluster
    rds.disable_http_endpoint(ResourceArn=cluster["DBClusterArn"])
    assert rds.describe_db_clusters(DBClusterIdentifier="aurora")["DBClusters"][0]["HttpEndpointEnabled"] is False
    rds.enable_http_endpoint(ResourceArn=cluster["DBClusterArn"])
    assert rds.describe_db_clusters(DBClusterIdentifier="aurora")["DBClusters"][0]["HttpEndpointEnabled"] is True


def test_the_master_users_secret_names_that_user(rds: Any, aws: Callable[..., Any]) -> None:
    passwords = set()
    for name in ("one", "two"):
        cluster = rds.create_db_cluster(
            DBClusterIdentifier=name,
            Engine="aurora-postgresql",
            MasterUsername="root_user",
            ManageMasterUserPassword=True,
        )["DBCluster"]
        value = aws("secretsmanager").get_secret_value(SecretId=cluster["MasterUserSecret"]["SecretArn"])
        secret = json.loads(value["SecretString"])
        assert secret["username"] == "root_user"
        passwords.add(secret["password"])
    assert len(passwords) == 2


def test_the_managed_secret_stays_when_it_is_asked_for_again(rds: Any) -> None:
    instance = _instance(rds, "db")
    rds.modify_db_instance(DBInstanceIdentifier="db", ManageMasterUserPassword=True, AllocatedStorage=30)
    assert _described(rds, "db")["MasterUserSecret"]["SecretArn"] == instance["MasterUserSecret"]["SecretArn"]

    asked = {"DBClusterIdentifier": "cluster", "ManageMasterUserPassword": True}
    cluster = rds.create_db_cluster(Engine="aurora-postgresql", MasterUsername="root", **asked)["DBCluster"]
    changed = rds.modify_db_cluster(BackupRetentionPeriod=3, **asked)["DBCluster"]
    assert changed["MasterUserSecret"]["SecretArn"] == cluster["MasterUserSecret"]["SecretArn"]


def test_engine_versions_can_be_listed(rds: Any) -> None:
    found = rds.describe_db_engine_versions(Engine="mysql", EngineVersion="8.0", DefaultOnly=True)["DBEngineVersions"]
    assert [version["DBParameterGroupFamily"] for version in found] == ["mysql8.0"]
    found = rds.describe_db_engine_versions(DBParameterGroupFamily="aurora-postgresql16")["DBEngineVersions"]
    assert {version["Engine"] for version in found} == {"aurora-postgresql"}


def test_a_release_series_becomes_its_newest_version_and_aws_upgrades_it(
    rds: Any, emulator: Emulator, account: str
) -> None:
    _instance(rds, "series", EngineVersion="8.4")
    _instance(rds, "older", EngineVersion="8.4.8")

    def version(name: str) -> str:
        return str(rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]["EngineVersion"])

    newest = rds.describe_db_engine_versions(Engine="mysql", EngineVersion="8.4")["DBEngineVersions"][-1][
        "EngineVersion"
    ]
    assert version("series") == newest
    assert (
        emulator.upgrade_minor_versions(["series", "older"], account_id=account, region="eu-central-1")["older"]
        == newest
    )
    assert version("older") == newest
    assert version("series").startswith("8.4.")
    assert version("series") != newest
    _instance(rds, "released", EngineVersion=version("series"))
    rds.modify_db_instance(DBInstanceIdentifier="older", EngineVersion="8.4", ApplyImmediately=True)
    assert version("older") == newest


def test_extended_support_is_as_asked(rds: Any) -> None:
    asked = "open-source-rds-extended-support-disabled"
    assert _instance(rds, "a", EngineLifecycleSupport=asked)["EngineLifecycleSupport"] == asked
    assert _instance(rds, "b")["EngineLifecycleSupport"] == "open-source-rds-extended-support"


def test_an_instance_has_awss_default_certificate_authority(rds: Any) -> None:
    made = _instance(rds, "a")
    assert made["CACertificateIdentifier"] == "rds-ca-rsa2048-g1"


def test_offers_are_answered_as_preflight_asks_for_them(aws: Aws) -> None:
    rds, quotas = aws("rds"), aws("service-quotas")
    (option,) = rds.describe_orderable_db_instance_options(Engine="mysql", DBInstanceClass="db.t4g.micro")[
        "OrderableDBInstanceOptions"
    ]
    assert [zone["Name"] for zone in option["AvailabilityZones"]] == ["eu-central-1a", "eu-central-1b", "eu-central-1c"]
    defaults = rds.describe_engine_default_parameters(DBParameterGroupFamily="mysql8.0")["EngineDefaults"]["Parameters"]
    assert {one["ParameterName"]: one["IsModifiable"] for one in defaults}["default_authentication_plugin"] is False
    assert quotas.get_service_quota(ServiceCode="ec2", QuotaCode="L-0263D0A3")["Quota"]["Value"] == 5.0
    assert quotas.get_service_quota(ServiceCode="vpc", QuotaCode="L-F678F1CE")["Quota"]["Value"] == 5.0
    versions = aws("elasticache").describe_cache_engine_versions(Engine="memcached")["CacheEngineVersions"]
    assert {one["Engine"] for one in versions} == {"memcached"}
