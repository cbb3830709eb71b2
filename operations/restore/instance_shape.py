"""The shape that a restored instance needs to stand in the database's place: the one in Terraform's state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from operations.errors import OperatorError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from operations.restore.instances import Instance


@dataclass(frozen=True)
class InstanceShape:
    """`state` is the attributes of an `aws_db_instance`."""

    state: Mapping[str, Any]

    @property
    def log_types(self) -> list[str]:
        """Logs that it sends to CloudWatch."""
        return sorted(self.state["enabled_cloudwatch_logs_exports"] or [])

    def when_restored(self) -> dict[str, Any]:
        """Arguments of a restore: the settings of this instance.

        Its logs are left out: under the name that it has at first, RDS would make log groups that keep them forever.
        """
        state = self.state
        support = state.get("engine_lifecycle_support")  # without it RDS signs up for extended support, which costs
        return {
            **({"EngineLifecycleSupport": support} if support else {}),
            "DBInstanceClass": state["instance_class"],
            "AllocatedStorage": state["allocated_storage"],
            "DBSubnetGroupName": state["db_subnet_group_name"],
            "VpcSecurityGroupIds": sorted(state["vpc_security_group_ids"]),
            "DBParameterGroupName": state["parameter_group_name"],
            "PubliclyAccessible": False,
            "Port": state["port"],
            "MultiAZ": state["multi_az"],
            "StorageType": state["storage_type"],
            "AutoMinorVersionUpgrade": state["auto_minor_version_upgrade"],
            "EnableIAMDatabaseAuthentication": state["iam_database_authentication_enabled"],
            "CopyTagsToSnapshot": state["copy_tags_to_snapshot"],
            "DeletionProtection": state["deletion_protection"],
            "Tags": [{"Key": key, "Value": value} for key, value in sorted((state["tags_all"] or {}).items())],
        }

    def changes(self, instance: Instance) -> dict[str, Any]:
        """Changes left, as arguments of ModifyDBInstance; empty when there are none.

        RDS restores PostgreSQL without a managed password and takes these with a change only.
        """
        state = self.state
        wanted = {
            "BackupRetentionPeriod": state["backup_retention_period"],
            "PreferredBackupWindow": state["backup_window"],
            "PreferredMaintenanceWindow": state["maintenance_window"],
            "CACertificateIdentifier": state["ca_cert_identifier"],
            "MonitoringInterval": state["monitoring_interval"] or 0,
        }
        made = {name: value for name, value in wanted.items() if value is not None and instance.get(name) != value}
        if made.get("MonitoringInterval"):
            made["MonitoringRoleArn"] = state["monitoring_role_arn"]
        most = state["max_allocated_storage"] or 0
        if most > instance["AllocatedStorage"] and instance.get("MaxAllocatedStorage") != most:
            made["MaxAllocatedStorage"] = most
        if state["performance_insights_enabled"] and not instance.get("PerformanceInsightsEnabled"):
            made["EnablePerformanceInsights"] = True
            made["PerformanceInsightsRetentionPeriod"] = state["performance_insights_retention_period"]
        if not instance.get("MasterUserSecret"):
            made["ManageMasterUserPassword"] = True
        return made

    def check(self, instance: Instance) -> None:
        """Raises OperatorError when Terraform would replace it by an empty one, or it is open to others."""
        state = self.state
        security_groups = sorted(group["VpcSecurityGroupId"] for group in instance["VpcSecurityGroups"])
        pairs = {
            "engine": (instance["Engine"], state["engine"]),
            "master user": (instance["MasterUsername"], state["username"]),
            "database": (instance.get("DBName"), state["db_name"]),
            "encryption": (instance["StorageEncrypted"], state["storage_encrypted"]),
            "subnet group": (instance["DBSubnetGroup"]["DBSubnetGroupName"], state["db_subnet_group_name"]),
            "security groups": (security_groups, sorted(state["vpc_security_group_ids"])),
            "public access": (instance["PubliclyAccessible"], False),
        }
        wrong = [f"its {what} is {found}, not {wanted}" for what, (found, wanted) in pairs.items() if found != wanted]
        if wrong:
            raise OperatorError(
                f"{instance['DBInstanceIdentifier']} cannot stand in the database's place: {'; '.join(wrong)}.",
                hint="Nothing was switched. Give this restore up with --abandon.",
            )
