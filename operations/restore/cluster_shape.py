"""The shape that a restored Aurora cluster needs to stand in the database's place: the one in Terraform's state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class ClusterShape:
    """`state` is the attributes of an `aws_rds_cluster`."""

    state: Mapping[str, Any]

    @property
    def log_types(self) -> list[str]:
        """Its logs that go to CloudWatch Logs."""
        return sorted(self.state["enabled_cloudwatch_logs_exports"] or [])

    @property
    def data_api(self) -> bool:
        """True when statements come through AWS's Data API."""
        return bool(self.state["enable_http_endpoint"])

    def when_restored(self) -> dict[str, Any]:
        """Settings that RDS takes along when it restores.

        Its logs are left out: under the name that it has at first, RDS would make log groups that keep them forever.
        """
        state = self.state
        given = {
            "DBClusterParameterGroupName": state["db_cluster_parameter_group_name"],
            "DBSubnetGroupName": state["db_subnet_group_name"],
            "VpcSecurityGroupIds": sorted(state["vpc_security_group_ids"]),
            "Port": state["port"],
            "EngineMode": state["engine_mode"],
            "EngineLifecycleSupport": state.get("engine_lifecycle_support"),
            "KmsKeyId": state["kms_key_id"],
            "EnableIAMDatabaseAuthentication": state["iam_database_authentication_enabled"],
            "CopyTagsToSnapshot": state["copy_tags_to_snapshot"],
            "DeletionProtection": state["deletion_protection"],
            "ServerlessV2ScalingConfiguration": _scaling(state["serverlessv2_scaling_configuration"]),
            "Tags": tags(state),
        }
        return {name: value for name, value in given.items() if value is not None}

    def changes(self, cluster: Mapping[str, Any]) -> dict[str, Any]:
        """Settings still to be changed, as ModifyDBCluster takes them; empty when there are none."""
        state = self.state
        wanted = {
            "BackupRetentionPeriod": state["backup_retention_period"],
            "PreferredBackupWindow": state["preferred_backup_window"],
            "PreferredMaintenanceWindow": state["preferred_maintenance_window"],
        }
        made = {name: value for name, value in wanted.items() if value is not None and cluster.get(name) != value}
        if not cluster.get("MasterUserSecret"):
            made["ManageMasterUserPassword"] = True
        return made

    def check(self, cluster: Mapping[str, Any]) -> None:
        """Raises OperatorError when Terraform would replace it by an empty one, or others reach it."""
        state = self.state
        security_groups = sorted(group["VpcSecurityGroupId"] for group in cluster["VpcSecurityGroups"])
        pairs = {
            "engine": (cluster["Engine"], state["engine"]),
            "master user": (cluster["MasterUsername"], state["master_username"]),
            "database": (cluster.get("DatabaseName"), state["database_name"]),
            "encryption": (cluster["StorageEncrypted"], state["storage_encrypted"]),
            "key": (cluster.get("KmsKeyId"), state["kms_key_id"]),
            "subnet group": (cluster["DBSubnetGroup"], state["db_subnet_group_name"]),
            "security groups": (security_groups, sorted(state["vpc_security_group_ids"])),
        }
        wrong = [f"its {what} is {found}, not {wanted}" for what, (found, wanted) in pairs.items() if found != wanted]
        if wrong:
            raise OperatorError(
                f"{cluster['DBClusterIdentifier']} cannot stand in the database's place: {'; '.join(wrong)}.",
                hint="Nothing was switched. Give this restore up with --abandon.",
            )


def of_member(state: Mapping[str, Any]) -> dict[str, Any]:
    """An instance like the `aws_rds_cluster_instance` whose attributes these are, as CreateDBInstance takes it."""
    given = {
        "DBInstanceClass": state["instance_class"],
        "Engine": state["engine"],
        "PubliclyAccessible": False,
        "AutoMinorVersionUpgrade": state["auto_minor_version_upgrade"],
        "PromotionTier": state["promotion_tier"],
        "CopyTagsToSnapshot": state["copy_tags_to_snapshot"],
        "CACertificateIdentifier": state["ca_cert_identifier"] or None,
        "PreferredMaintenanceWindow": state["preferred_maintenance_window"] or None,
        "EnablePerformanceInsights": state["performance_insights_enabled"] or None,
        "MonitoringInterval": state["monitoring_interval"] or None,
        "MonitoringRoleArn": state["monitoring_role_arn"] or None,
        "Tags": tags(state),
    }
    return {name: value for name, value in given.items() if value is not None}


def tags(state: Mapping[str, Any]) -> list[dict[str, str]]:
    """Tags as RDS takes them."""
    return [{"Key": key, "Value": value} for key, value in sorted((state["tags_all"] or {}).items())]


def _scaling(blocks: list[Mapping[str, Any]]) -> dict[str, Any] | None:
    if not blocks:
        return None
    names = {"min_capacity": "MinCapacity", "max_capacity": "MaxCapacity"}
    return {name: blocks[0][key] for key, name in names.items()}
