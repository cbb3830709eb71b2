"""Settings of the SUAI Cloud App."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, model_validator

from config.components import (
    FleetSettings,
    GuardedSettings,
    MysqlSettings,
    OwnNetwork,
    RedisSettings,
    TableSettings,
)
from config.deployment import DeploymentSettings, RegionalLoadBalancerSettings
from config.settings import Settings, SettingsRefusal
from config.types import (
    AttributeName,
    DatabaseName,
    DatabaseRight,
    LoggedBucketName,
    Port,
    RoleName,
    TableAction,
    TableName,
    UserName,
)


class SuaiApplicationSettings(GuardedSettings):
    """Values of the application's `config.toml` that the rest of the stack follows."""

    port: Port = 8080
    """`[server] port`: where the application listens on its instance."""
    database_name: DatabaseName = "suai"
    """The database on the instance."""
    executable: Annotated[str, Field(min_length=1)] | None = None
    """A team's own program, by its path from the repository; left out, the one of this repository is built."""
    logs_page_public: bool = False
    """Lets everybody who reaches the load balancer read `/logs`."""
    database_user: UserName = "admin"
    """The database's master user, which no program signs in as; RDS makes and rotates its password."""
    database_rights: Annotated[tuple[DatabaseRight, ...], Field(min_length=1)] = ("SELECT",)
    """Rights of `application_user` on the database; a team's own program may need more than this repository's."""

    guarded: ClassVar[Mapping[str, Any]] = {"logs_page_public": True}


class BucketSettings(Settings):
    """The private bucket that the application is published to."""

    name: LoggedBucketName
    """Unique among all of AWS's buckets."""


class PartitionedTableSettings(TableSettings):
    """The table, with the keys of the document's `[dynamodb]` section."""

    name: TableName
    """The table's name, as `config.toml` has it."""
    partition_key: AttributeName = "id"
    """The table's hash key, a text."""
    actions: Annotated[tuple[TableAction, ...], Field(min_length=1)] = (
        "DeleteItem",
        "DescribeTable",
        "GetItem",
        "PutItem",
    )
    """Actions on the table that the application may call; a team's own program may need more than this repository's."""


class SuaiCloudAppSettings(DeploymentSettings):
    """The SUAI Cloud App in one environment."""

    application_user: UserName = "suaicloudapp"
    """The database user that the application signs in as; `quintet suai database-user` makes it."""
    application: SuaiApplicationSettings = SuaiApplicationSettings()
    bucket: BucketSettings
    database: MysqlSettings
    redis: RedisSettings
    dynamodb: PartitionedTableSettings
    fleet: FleetSettings
    role_name: RoleName = "ec2_iam_role"
    """The instances' IAM role, called as in the document."""
    load_balancer: RegionalLoadBalancerSettings

    @model_validator(mode="after")
    def _application_needs_what_it_speaks(self) -> Self:
        if self.application.port < 1024:
            raise SettingsRefusal(
                "is below 1024: the application runs as a user of its own, who may not listen there",
                "application",
                "port",
            )
        if self.application_user == self.application.database_user:
            raise SettingsRefusal(
                "must differ from application.database_user: the application is not the database's master",
                "application_user",
            )
        if isinstance(self.network, OwnNetwork) and self.network.nat == "none":
            raise SettingsRefusal(
                "must be single or per_az: instances fetch packages and secrets from outside", "network", "nat"
            )
        return self
