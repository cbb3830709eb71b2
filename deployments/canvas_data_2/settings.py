"""Settings of Canvas Data 2."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, field_validator, model_validator

from config.components import AuroraSettings, ContainerTaskSettings, OwnNetwork, ScheduleSettings
from config.deployment import DeploymentSettings
from config.settings import Settings, SettingsRefusal, each_once
from config.types import (
    EmailAddress,
    LogRetentionDays,
    PostgresqlDatabaseName,
    PostgresqlMasterUserName,
    Sharing,
    UserName,
)

Namespace = Literal["canvas", "canvas_logs", "catalog", "new_quizzes"]
"""The namespaces that the DAP client knows; each becomes a schema of the database."""
TableName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,62}$")]

CREDENTIALS = ("dap_client_id", "dap_client_secret")
"""Names of the API's credentials, below the path of the stage in the Parameter Store."""


class DapSettings(Settings):
    """The Data Access Platform's API, and what of it is replicated."""

    api_base_url: Annotated[str, Field(pattern=r"^https://[a-z0-9.-]+(:[0-9]+)?$")] = (
        "https://api-gateway.instructure.com"
    )
    """Address of the API."""
    namespaces: Annotated[tuple[Namespace, ...], Field(min_length=1)] = ("canvas",)
    """Namespaces that are replicated, each into a schema of its name."""
    skipped_tables: tuple[TableName, ...] = ()
    """Left alone in every namespace."""

    @field_validator("namespaces", "skipped_tables")
    @classmethod
    def _each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        return each_once(names)


class ReplicaSettings(Settings):
    """The database that is filled."""

    name: PostgresqlDatabaseName = "cd2"
    """The database on the cluster."""
    admin_user: PostgresqlMasterUserName = "cd2_admin"
    """The cluster's master user; RDS makes and changes its password."""
    user: UserName = "canvas"
    """The pipeline's login; it owns the schemas of the namespaces."""


class RefreshSettings(Settings):
    """How a refresh of all tables goes."""

    max_concurrency: Annotated[int, Field(ge=1, le=40)] = 10
    """Tables at once. The API throttled upstream's 30 and 15."""
    tolerated_failed_tables: Annotated[int, Field(ge=0, le=1000)] = 0
    """An execution with more failed tables than this fails, once all others are done; all are reported in any case."""
    sync_memory_mib: Annotated[int, Field(ge=512, le=10240)] = 2048
    """Memory of the function that syncs a table."""
    sync_ephemeral_storage_mib: Annotated[int, Field(ge=512, le=10240)] = 4096
    """Disk of the function that syncs a table."""
    sync_timeout_seconds: Annotated[int, Field(ge=60, le=900)] = 900
    """Lambda's own limit; a minute before it the table is handed over to Fargate."""
    task_timeout_hours: Annotated[int, Field(ge=1, le=48)] = 12
    """A task that takes longer is stopped and counts as failed."""
    task_heartbeat_seconds: Annotated[int, Field(ge=60, le=3000)] = 300
    """A task that is silent for longer counts as dead and is started again."""
    api_attempts: Annotated[int, Field(ge=1, le=20)] = 6
    """How often a throttled or failing request to the API is tried, with growing pauses."""


class CanvasData2Settings(DeploymentSettings):
    """Canvas Data 2 in one environment."""

    stage: Annotated[Literal["dev", "stg", "prod"], Sharing("choice")]
    """The document's environment, first part of the parameters' names: /<stage>/canvas_data_2/dap_client_id."""
    dap: DapSettings = DapSettings()
    database: ReplicaSettings = ReplicaSettings()
    aurora: AuroraSettings
    refresh: RefreshSettings = RefreshSettings()
    schedule: ScheduleSettings
    task: ContainerTaskSettings = ContainerTaskSettings()
    notification_emails: tuple[EmailAddress, ...] = ()
    """Recipients of a mail after every refresh; alarms have addresses of their own."""
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least severe lines that the pipeline logs."""
    log_retention_days: LogRetentionDays = 90
    """How long the logs of functions and executions are kept."""
    vpc_endpoints: tuple[Literal["ssm", "secretsmanager", "states", "ecr.api", "ecr.dkr", "logs"], ...] = ()
    """Services reached inside the network instead of through NAT; Canvas itself always needs NAT."""

    @model_validator(mode="after")
    def _canvas_can_be_reached(self) -> Self:
        if isinstance(self.network, OwnNetwork) and self.network.nat == "none":
            raise SettingsRefusal("must be single or per_az: tables are fetched from the internet", "network", "nat")
        if self.database.user == self.database.admin_user:
            raise SettingsRefusal(
                "must be another than admin_user: the pipeline is not to own the cluster", "database", "user"
            )
        return self
