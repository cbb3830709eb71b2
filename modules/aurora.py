"""An Aurora PostgreSQL cluster that grows and shrinks with its load."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, cast

from cdktf import ITerraformDependable, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.db_subnet_group import DbSubnetGroup
from cdktf_cdktf_provider_aws.rds_cluster import RdsCluster, RdsClusterServerlessv2ScalingConfiguration
from cdktf_cdktf_provider_aws.rds_cluster_instance import RdsClusterInstance
from cdktf_cdktf_provider_aws.rds_cluster_parameter_group import (
    RdsClusterParameterGroup,
    RdsClusterParameterGroupParameter,
)
from constructs import Construct

from config.components import AuroraSettings
from config.settings import checked
from config.types import DatabaseName, UserName
from modules.access import Connections
from modules.encryption_key import EncryptionKey
from modules.engines import SET_AT_CREATION, lifecycle_support
from modules.log_group import LogGroup
from modules.network import Network
from modules.refusals import exempt
from modules.stack import DeploymentStack
from modules.watches.watch import Watch

PORT = 5432


class Aurora(Construct):
    """An Aurora PostgreSQL Serverless v2 cluster in private subnets that only its allowed peers reach.

    RDS makes the master user's password, keeps it in Secrets Manager and changes it every week. The Data API is on:
    operators prepare the database through it, without a way into the network. A protected cluster cannot be destroyed,
    and leaves a final snapshot once that is lifted.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        network: Network,
        settings: AuroraSettings,
        key: EncryptionKey,
        database_name: str,
        username: str,
    ) -> None:
        super().__init__(scope, id_)
        protect = DeploymentStack.of_construct(self).protect_data
        self._settings = settings
        self.database_name: Final[str] = checked(DatabaseName, "database_name", database_name)
        self.username: Final[str] = checked(UserName, "username", username)
        """The master user."""
        self.port: Final[int] = PORT
        self.connections: Final[Connections] = Connections(
            self, name=name, vpc_id=network.vpc_id, port=PORT, description=f"The database {name}"
        )
        subnet_group = DbSubnetGroup(
            self, "subnet_group", name=name, description=f"Of {name}", subnet_ids=list(network.private_subnet_ids)
        )
        log_group = LogGroup(
            self, "log", name=f"/aws/rds/cluster/{name}/postgresql", retention_days=settings.log_retention_days
        )
        self._cluster = RdsCluster(
            self,
            "Default",
            cluster_identifier=name,
            engine="aurora-postgresql",
            engine_mode="provisioned",  # what Serverless v2 is called here
            engine_version=settings.engine_version,
            engine_lifecycle_support=lifecycle_support(extended=settings.extended_support),
            allow_major_version_upgrade=True,  # a new engine_version in the settings asks for it, nothing else does
            apply_immediately=True,
            serverlessv2_scaling_configuration=RdsClusterServerlessv2ScalingConfiguration(
                min_capacity=settings.min_capacity_acu, max_capacity=settings.max_capacity_acu
            ),
            database_name=database_name,
            master_username=username,
            manage_master_user_password=True,
            enable_http_endpoint=True,
            port=PORT,
            db_subnet_group_name=subnet_group.name,
            vpc_security_group_ids=[self.connections.security_group_id],
            db_cluster_parameter_group_name=self._parameter_group(name).name,
            storage_encrypted=True,
            kms_key_id=key.arn,
            backup_retention_period=settings.backup_retention_days,
            copy_tags_to_snapshot=True,
            deletion_protection=protect,
            skip_final_snapshot=not protect,
            final_snapshot_identifier=f"{name}-final" if protect else None,
            enabled_cloudwatch_logs_exports=["postgresql"],
            # RDS would otherwise make the log group itself and keep its lines forever
            depends_on=[cast("ITerraformDependable", log_group.node.default_child)],
            lifecycle=TerraformResourceLifecycle(prevent_destroy=protect or None, ignore_changes=SET_AT_CREATION),
        )
        exempt(self._cluster, "CKV_AWS_162", reason="clients sign in with the password that an operator's command sets")
        exempt(self._cluster, "CKV2_AWS_8", reason="its own backups are kept as long as the settings ask for")
        if not protect:
            exempt(self._cluster, "CKV_AWS_139", reason="the environment's data is not protected")
        if not settings.require_tls:
            exempt(self._cluster, "CKV2_AWS_69", reason=settings.reasons["require_tls"])
        for role in ("writer", *(f"reader_{number}" for number in range(1, settings.reader_instances + 1))):
            self._instance(role, name)

    @property
    def address(self) -> str:
        """The writer's host name, without the port."""
        return self._cluster.endpoint

    @property
    def arn(self) -> str:
        """The cluster, as the Data API names it."""
        return self._cluster.arn

    @property
    def identifier(self) -> str:
        """The cluster's name in AWS."""
        return self._cluster.cluster_identifier

    @property
    def secret_arn(self) -> str:
        """The secret RDS keeps for the master user: JSON with `username` and `password`."""
        return self._cluster.master_user_secret.get(0).secret_arn

    def watches(self) -> Sequence[Watch]:
        """How much of the capacity it may grow to is in use, and its locks."""
        dimensions = {"DBClusterIdentifier": self.identifier}
        return [
            Watch(
                role="capacity",
                description="It has been at its largest for a quarter of an hour: raise max_capacity_acu",
                namespace="AWS/RDS",
                metric_name="ACUUtilization",
                dimensions=dimensions,
                threshold=95,
                evaluation_periods=15,
            ),
            Watch(
                role="deadlocks",
                description="Sessions wait for each other and were ended: look at /aws/rds/cluster in the logs",
                namespace="AWS/RDS",
                metric_name="Deadlocks",
                dimensions=dimensions,
                statistic="Maximum",
                threshold=0.1,
            ),
        ]

    def _parameter_group(self, name: str) -> RdsClusterParameterGroup:
        family = f"aurora-postgresql{self._settings.engine_version}"
        parameters = {
            "log_lock_waits": "1",
            "log_min_duration_statement": "5000",
            "log_statement": "ddl",  # more would write passwords and personal data into the log
            "rds.force_ssl": "1" if self._settings.require_tls else "0",
        }
        return RdsClusterParameterGroup(
            self,
            "parameter_group",
            name=f"{name}-{family}",  # another family's group can stand beside this one
            family=family,
            description=f"Of {name}",
            parameter=[
                RdsClusterParameterGroupParameter(name=key, value=value, apply_method="pending-reboot")
                for key, value in sorted(parameters.items())
            ],
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )

    def _instance(self, role: str, name: str) -> None:
        insights = self._settings.performance_insights_enabled
        instance = RdsClusterInstance(
            self,
            role,
            identifier=f"{name}-{role.replace('_', '-')}",
            cluster_identifier=self._cluster.id,
            instance_class="db.serverless",
            engine="aurora-postgresql",
            engine_version=self._settings.engine_version,
            auto_minor_version_upgrade=True,
            apply_immediately=True,
            publicly_accessible=False,
            performance_insights_enabled=insights,
        )
        exempt(instance, "CKV_AWS_118", reason="a cluster without instances of a size has nothing below it to measure")
        if insights:
            exempt(instance, "CKV_AWS_354", reason="RDS encrypts them with the account's own aws/rds key")
        else:
            exempt(instance, "CKV_AWS_353", reason="the settings leave them out: performance_insights_enabled = false")
