"""Settings of Aquamark."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from config.components import (
    FleetSettings,
    GuardedSettings,
    ImageSettings,
    LatestImage,
    OwnNetwork,
    PostgresqlSettings,
    refuse_other_processor,
)
from config.deployment import DeploymentSettings, RegionalLoadBalancerSettings
from config.settings import Settings, SettingsRefusal
from config.types import (
    Cron,
    EmailAddress,
    InstanceType,
    LoggedBucketName,
    LogRetentionDays,
    PostgresqlDatabaseName,
    ServerName,
    UserName,
)
from deployments.aquamark.releases import SUPPORTED, AquamarkRelease, Generation, is_upstreams, release_of

ImageTag = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")]


class AquamarkApplicationSettings(Settings):
    """How the application is told what it needs."""

    generation: Generation = "documented"
    """`documented`: releases 1.3.3 to 1.5.0, which read `DATABASE_URL`. `current`: upstream's head, which reads `PG*`
    and has no release; its image has a tag of your own. Hosts write both and set `PORT`."""
    config_directory: Annotated[str, Field(pattern=r"^/[A-Za-z0-9/._-]+$")] = "/usr/share/aquamark/app/config"
    """Where the image keeps the daemons' configuration files."""
    analytics_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]*$")] = ""
    """Google Analytics' id; empty without it."""
    database_name: PostgresqlDatabaseName = "aquamark"
    """The database on the instance."""
    database_user: UserName = "aquamark"
    """The application's own login; its password is made by `quintet aquamark database-login`."""
    subnets: Literal["public", "private"] = "private"
    """`public`: each instance has an address of its own, closed to the world; `private` needs NAT."""


class AquamarkDatabaseSettings(PostgresqlSettings):
    """The database, and how old a client library it still lets in."""

    password_encryption: Literal["scram-sha-256", "md5"] = "scram-sha-256"  # noqa: S105 - a method
    """libpq speaks SCRAM from version 10 on; images by upstream's Dockerfiles of 1.3.3 to 1.5.0 have 9.3 or 9.5."""

    guarded: ClassVar[Mapping[str, Any]] = {**PostgresqlSettings.guarded, "password_encryption": "md5"}


class BackupSettings(Settings):
    """The weekly snapshots, which outlive RDS's own."""

    schedule: Cron = "cron(0 16 ? * SAT *)"
    """In UTC; this is Sunday, two in the morning, in Sydney."""
    retention_days: Annotated[int, Field(ge=7, le=36500)] = 1096
    """How long a snapshot is kept."""


class AttachmentSettings(GuardedSettings):
    """The bucket for files that users attach to their responses."""

    bucket: LoggedBucketName
    """Unique among all of AWS's buckets."""
    only_from_network: bool = True
    """The key is of no use outside the VPC; an adopted one needs an endpoint for S3."""

    guarded: ClassVar[Mapping[str, Any]] = {"only_from_network": False}


class DaemonSettings(Settings):
    """The one host of the recalculation and notification daemons."""

    instance_type: InstanceType = "t3.small"
    """CPU and memory of the host."""
    image: ImageSettings = LatestImage()
    root_volume_size_gib: Annotated[int, Field(ge=8, le=16384)] = 20
    """Disk of the host, encrypted."""
    log_retention_days: LogRetentionDays = 365
    """How long the host's logs are kept."""

    @model_validator(mode="after")
    def _image_runs_on_the_processor(self) -> Self:
        refuse_other_processor(self.instance_type, self.image)
        return self

    def fleet(self) -> FleetSettings:
        """Exactly one instance."""
        return FleetSettings(**self.model_dump(), min_size=1, max_size=1)


class MailSettings(Settings):
    """How the daemons send mail; name and password are kept in a secret."""

    smtp_server: ServerName
    """Host name of the mail server."""
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 587
    """Port of the mail server; 25 is refused."""
    smtp_use_tls: bool = True
    """TLS to the mail server."""
    send_from: EmailAddress
    """Sender of all mail."""
    error_send_to: EmailAddress
    """Recipient of the daemons' failures."""

    @model_validator(mode="after")
    def _port_is_not_throttled(self) -> Self:
        if self.smtp_port == 25:
            raise SettingsRefusal("must not be 25: EC2 and Amazon SES throttle it; 587 is meant for this", "smtp_port")
        return self


class AquamarkSettings(DeploymentSettings):
    """Aquamark in one environment."""

    version: ImageTag | None = None
    """The tag of the image that web servers and daemons run; left out until the first `quintet aquamark upgrade`."""
    previous_version: ImageTag | None = None
    """The tag that `quintet aquamark upgrade --rollback` goes back to; written by the upgrade."""
    rolled_back_from: ImageTag | None = None
    """The version that a rollback has left; written by it, and gone with the next upgrade."""
    application: AquamarkApplicationSettings = AquamarkApplicationSettings()
    database: AquamarkDatabaseSettings
    backups: BackupSettings = BackupSettings()
    attachments: AttachmentSettings
    web: FleetSettings
    daemons: DaemonSettings = DaemonSettings()
    mail: MailSettings
    load_balancer: RegionalLoadBalancerSettings

    @model_validator(mode="after")
    def _instances_reach_what_they_need(self) -> Self:
        private = self.application.subnets == "private"
        if private and isinstance(self.network, OwnNetwork) and self.network.nat == "none":
            raise SettingsRefusal(
                'must be single or per_az while application.subnets = "private": instances fetch images and secrets',
                "network",
                "nat",
            )
        if self.web.min_size < 1:
            raise SettingsRefusal(
                "must be at least 1: an upgrade waits until the new instances are healthy", "web", "min_size"
            )
        if self.previous_version is not None and self.previous_version == self.version:
            raise SettingsRefusal("is the version that runs; leave it out", "previous_version")
        return self

    @model_validator(mode="after")
    def _version_fits(self) -> Self:
        """The settings that a release cannot run with."""
        release = release_of(self.version) if self.version else None
        if self.version is None or release is None:
            return self
        generation = self.application.generation
        if release.generation is None:
            fitting = " and ".join(r.name for r in SUPPORTED if r.generation == generation)
            raise SettingsRefusal(
                f"its alembic reads no address of a database, so its schema cannot be migrated; "
                f'generation = "{generation}" goes with {fitting}',
                "version",
            )
        if release.generation != generation:
            raise SettingsRefusal(
                f'{self.version} reads {", ".join(release.variables)}: generation = "{release.generation}"; '
                f'"{generation}" is upstream\'s head, whose image has a tag of your own, such as head-5813fa8',
                "application",
                "generation",
            )
        if is_upstreams(self.version):
            self._client_library_fits(release)
        return self

    def _client_library_fits(self, release: AquamarkRelease) -> None:
        other = f"or build the image with a newer one, see the README, under a tag such as {self.version}-build1"
        if self.database.password_encryption == "scram-sha-256" and not release.scram:  # noqa: S105 - a method
            raise SettingsRefusal(
                f"{self.version} has libpq {release.libpq}, which cannot sign in by it: set md5, {other}",
                "database",
                "password_encryption",
            )
        if self.database.require_tls and not release.tls_12:
            raise SettingsRefusal(
                f"{self.version} has libpq {release.libpq}, which speaks TLS 1.0 at most: set false, {other}",
                "database",
                "require_tls",
            )
