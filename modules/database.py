"""A relational database on RDS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, cast

from cdktf import ITerraformDependable, TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.db_instance import DbInstance
from cdktf_cdktf_provider_aws.db_parameter_group import DbParameterGroup, DbParameterGroupParameter
from cdktf_cdktf_provider_aws.db_subnet_group import DbSubnetGroup
from constructs import Construct

from config.components import DatabaseSettings
from config.settings import checked
from config.types import DatabaseName, UserName
from modules.access import Connections, Grantable
from modules.engines import SET_AT_CREATION, RdsEngine, lifecycle_support
from modules.enhanced_monitoring import EnhancedMonitoringRole
from modules.log_group import LogGroup
from modules.network import Network
from modules.policy import allow, document
from modules.refusals import exempt
from modules.stack import DeploymentStack
from modules.watches.database import database_watches
from modules.watches.watch import Watch

LOG_RETENTION_DAYS = 365


class Database(Construct):
    """A relational database in private subnets that only its allowed peers reach.

    RDS makes the master user's password, keeps it in Secrets Manager and changes it every week; it never passes through
    Terraform. A protected database cannot be destroyed, and leaves a final snapshot once that is lifted. `parameters`
    are the deployment's, those of the settings come on top; a change of them waits for the next restart. Every other
    change happens when it is applied, some with an interruption. With `connections` it stands in that security group,
    which others may share, instead of one of its own.

    Raises ValueError for an engine_version that is not a release series, and for parameters that switch TLS.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        network: Network,
        engine: RdsEngine,
        settings: DatabaseSettings,
        database_name: str,
        username: str,
        parameters: Mapping[str, str] | None = None,
        connections: Connections | None = None,
    ) -> None:
        super().__init__(scope, id_)
        protect = DeploymentStack.of_construct(self).protect_data
        self._engine = engine
        self._settings = settings
        self.database_name: Final[str] = checked(DatabaseName, "database_name", database_name)
        self.username: Final[str] = checked(UserName, "username", username)
        """The master user."""
        self.port: Final[int] = engine.port
        self.connections: Final[Connections] = connections or Connections(
            self, name=name, vpc_id=network.vpc_id, port=engine.port, description=f"The database {name}"
        )
        subnet_group = DbSubnetGroup(
            self, "subnet_group", name=name, description=f"Of {name}", subnet_ids=list(network.private_subnet_ids)
        )
        log_groups = [
            LogGroup(self, f"{log}_log", name=f"/aws/rds/instance/{name}/{log}", retention_days=LOG_RETENTION_DAYS)
            for log in engine.log_exports
        ]
        monitored = settings.monitoring_interval_seconds > 0
        self._instance = DbInstance(
            self,
            "Default",
            identifier=name,
            engine=engine.name,
            engine_version=settings.engine_version,
            engine_lifecycle_support=lifecycle_support(extended=settings.extended_support),
            auto_minor_version_upgrade=True,
            apply_immediately=True,  # the operator chooses the hour, and what was applied is what runs
            allow_major_version_upgrade=True,  # a new engine_version in the settings asks for it, nothing else does
            instance_class=settings.instance_class,
            multi_az=settings.multi_az,
            allocated_storage=settings.allocated_storage_gib,
            max_allocated_storage=settings.max_allocated_storage_gib,
            storage_type="gp3",
            storage_encrypted=settings.storage_encrypted,
            db_name=database_name,
            username=username,
            manage_master_user_password=True,
            iam_database_authentication_enabled=settings.iam_database_authentication_enabled,
            port=engine.port,
            db_subnet_group_name=subnet_group.name,
            vpc_security_group_ids=[self.connections.security_group_id],
            publicly_accessible=False,
            ca_cert_identifier="rds-ca-rsa2048-g1",
            parameter_group_name=self._parameter_group(name, parameters or {}).name,
            backup_retention_period=settings.backup_retention_days,
            copy_tags_to_snapshot=True,
            deletion_protection=protect,
            skip_final_snapshot=not protect,
            final_snapshot_identifier=f"{name}-final" if protect else None,
            monitoring_interval=settings.monitoring_interval_seconds,
            monitoring_role_arn=EnhancedMonitoringRole(self, "monitoring_role", name=name).arn if monitored else None,
            performance_insights_enabled=settings.performance_insights_enabled,
            enabled_cloudwatch_logs_exports=list(engine.log_exports),
            # RDS would otherwise make the log groups itself and keep their lines forever
            depends_on=[cast("ITerraformDependable", group.node.default_child) for group in log_groups],
            lifecycle=TerraformResourceLifecycle(prevent_destroy=protect or None, ignore_changes=SET_AT_CREATION),
        )
        self._explain(protect=protect)

    @property
    def address(self) -> str:
        """Its host name, without the port."""
        return self._instance.address

    @property
    def arn(self) -> str:
        """The ARN of the instance."""
        return self._instance.arn

    @property
    def identifier(self) -> str:
        """The instance's name in RDS."""
        return self._instance.identifier

    @property
    def secret_arn(self) -> str:
        """The secret RDS keeps for the master user: JSON with `username` and `password`."""
        return self._instance.master_user_secret.get(0).secret_arn

    def grant_read_secret(self, grantee: Grantable) -> None:
        """Lets `grantee` fetch the master user's name and password."""
        policy = document(allow("ReadSecret", actions=["secretsmanager:GetSecretValue"], resources=[self.secret_arn]))
        grantee.attach_policy(self, f"secret_read_by_{grantee.grantee_role}", policy)

    def watches(self) -> Sequence[Watch]:
        """CPU, storage, memory and connections."""
        return database_watches(self._instance.identifier, self._engine, self._settings)

    def _parameter_group(self, name: str, given: Mapping[str, str]) -> DbParameterGroup:
        family = self._engine.parameter_group_family(self._settings.engine_version)
        parameters = self._engine.parameters_for(
            require_tls=self._settings.require_tls, given={**given, **self._settings.parameters}
        )
        return DbParameterGroup(
            self,
            "parameter_group",
            name=f"{name}-{family.replace('.', '-')}",  # another family's group can stand beside this one
            family=family,
            description=f"Of {name}",
            parameter=[
                # what RDS could change at once and what needs a restart are both accepted this way
                DbParameterGroupParameter(name=key, value=value, apply_method="pending-reboot")
                for key, value in sorted(parameters.items())
            ],
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )

    def _explain(self, *, protect: bool) -> None:
        settings, reasons, database = self._settings, self._settings.reasons, self._instance
        if not settings.storage_encrypted:
            exempt(database, "unencrypted-database", "CKV_AWS_16", reason=reasons["storage_encrypted"])
        if settings.backup_retention_days == 0:
            exempt(database, "no-backups", "CKV_AWS_133", reason=reasons["backup_retention_days"])
        if not settings.require_tls:
            exempt(database, "CKV2_AWS_69", reason=reasons["require_tls"])
        if not protect:
            exempt(database, "CKV_AWS_293", reason="the environment's data is not protected")
        if not settings.multi_az:
            exempt(database, "CKV_AWS_157", reason="the settings ask for no standby: multi_az = false")
        if settings.monitoring_interval_seconds == 0:
            exempt(database, "CKV_AWS_118", reason="the settings turn it off: monitoring_interval_seconds = 0")
        if not settings.iam_database_authentication_enabled:
            exempt(database, "CKV_AWS_161", reason="clients sign in with the password that RDS changes every week")
        if settings.performance_insights_enabled:
            exempt(database, "CKV_AWS_354", reason="RDS encrypts them with the account's own aws/rds key")
        elif settings.instance_class not in self._engine.without_performance_insights:
            exempt(database, "CKV_AWS_353", reason="the settings leave them out: performance_insights_enabled = false")
