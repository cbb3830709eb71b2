"""Settings of the Beaver Contest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from config.beanstalk import BeanstalkEnvironmentSettings
from config.components import MysqlSettings, OwnNetwork, TableSettings
from config.deployment import DeploymentSettings
from config.settings import Settings, SettingsRefusal
from config.static_site import CnameDelivery, StaticSiteSettings
from config.types import DatabaseName, DatabaseRight, HostName, LoggedBucketName, Reason, UserName, ZoneId


class ContestApplicationSettings(Settings):
    """Values of the contest's `config_local.php` that do not follow from the rest of the stack."""

    database_name: DatabaseName = "beaver_contest"
    """The database on the instance."""
    database_user: UserName = "beaver"
    """The database's master user, which operators' commands sign in as; RDS makes and changes its password."""
    database_rights: Annotated[tuple[DatabaseRight, ...], Field(min_length=1)] = (
        "SELECT",
        "INSERT",
        "UPDATE",
        "DELETE",
    )
    """Rights of `application_user` on the database. Upstream's prepareContestResults.php makes a table of its own: it
    needs ALTER, CREATE, DROP and INDEX as well."""
    database_use: Literal["dynamoDB", "mysql"] = "dynamoDB"
    """`db->use`: where contests keep teams and answers."""
    table_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{0,200}$")] = ""
    """`db->dynamoDBPrefix`: before the names of all three tables. Upstream forgets it, and loses the answers, when more
    than 24 are saved at a time: a prefix needs a reason."""
    item_ttl_seconds: Annotated[int, Field(ge=3600)] | None = None
    """`db->dynamoDBTTL`: teams and answers expire this long after they were written; left out, never."""
    generation_mode: Literal["aws", "aws+local"] = "aws"
    """`teacherInterface->generationMode`: where contests are generated to."""
    session_length_seconds: Annotated[int, Field(ge=300, le=86400)] = 3600
    """`contestInterface->sessionLength`."""
    max_input_vars: Annotated[int, Field(ge=1000, le=100000)] = 3000
    """How many fields a form may have: the teacher interface sends large ones."""
    timezone: Annotated[str, Field(pattern=r"^[A-Z][A-Za-z]+(/[A-Za-z_+-]+)*$")] = "Europe/Paris"
    """Time zone of PHP and of dates on pages."""
    default_language: Annotated[str, Field(pattern=r"^[a-z]{2}$")] = "fr"
    """Language of pages, by its two letters."""
    reasons: dict[Literal["table_prefix"], Reason] = {}
    """Why a prefix is right."""

    @model_validator(mode="after")
    def _a_prefix_has_a_reason(self) -> Self:
        if self.table_prefix and not self.reasons:
            raise SettingsRefusal('needs a reason: add reasons.table_prefix = "why this is right here"', "table_prefix")
        if self.reasons and not self.table_prefix:
            raise SettingsRefusal("gives a reason for nothing: there is no table_prefix", "reasons", "table_prefix")
        return self


class DomainSettings(Settings):
    """The domain below which both environments and the static files have their names."""

    domain: HostName
    """The domain."""
    zone_id: ZoneId
    """The public hosted zone that holds the domain."""


class ReleaseSettings(Settings):
    """Where bundles of the application are kept."""

    bucket_name: LoggedBucketName
    """Unique among all of AWS's buckets."""


class BeaverContestSettings(DeploymentSettings):
    """The Beaver Contest in one environment."""

    application_user: UserName = "contest"
    """The database user that the PHP code signs in as; `quintet beaver database-user` makes it."""
    application: ContestApplicationSettings = ContestApplicationSettings()
    dns: DomainSettings
    admin: BeanstalkEnvironmentSettings
    contest: BeanstalkEnvironmentSettings
    database: MysqlSettings
    team: TableSettings = TableSettings()
    team_question: TableSettings = TableSettings()
    sessions: TableSettings = TableSettings()
    static: StaticSiteSettings
    releases: ReleaseSettings

    @property
    def php_version(self) -> str:
        """PHP's version on the platform, as "8.4"."""
        return self.admin.platform_branch.split()[1]

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Self:
        for refusal in self._misfits():
            raise refusal
        return self

    def _misfits(self) -> Iterator[SettingsRefusal]:
        if self.application_user == self.application.database_user:
            yield SettingsRefusal(
                "must differ from application.database_user: the PHP code is not the database's master",
                "application_user",
            )
        for role in ("admin", "contest", "static"):
            host_name = getattr(self, role).host_name
            if not host_name.endswith(f".{self.dns.domain}"):
                yield SettingsRefusal(
                    f"must end with .{self.dns.domain}: both environments and the static files share one domain",
                    role,
                    "host_name",
                )
        if self.admin.name == self.contest.name:
            yield SettingsRefusal("is the name of the admin environment as well", "contest", "name")
        if self.admin.host_name == self.contest.host_name:
            yield SettingsRefusal("is the host of the admin environment as well", "contest", "host_name")
        if isinstance(self.static.delivery, CnameDelivery):
            if self.static.bucket_name != self.static.host_name:
                yield SettingsRefusal(
                    f"must be {self.static.host_name}, as host_name: S3 finds the bucket of a CNAME by its name",
                    "static",
                    "bucket_name",
                )
            for role in ("admin", "contest"):
                if getattr(self, role).https:
                    yield SettingsRefusal(
                        "must be false while static.delivery.kind is cname: browsers refuse HTTP files on HTTPS pages",
                        role,
                        "https",
                    )
        if isinstance(self.network, OwnNetwork) and self.network.nat == "none":
            yield SettingsRefusal(
                "must be single or per_az: instances fetch secrets and report their health from inside",
                "network",
                "nat",
            )
        if self.database.require_tls:
            yield SettingsRefusal(
                "must be false: the PHP code opens its connections without TLS, inside the network",
                "database",
                "require_tls",
            )
