"""The knobs of each kind of module. Safe is the default; what is less safe needs a written reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from config.limits import LONGEST_CERTIFICATE_NAME
from config.settings import Settings, SettingsRefusal, each_once
from config.types import (
    AmiId,
    AvailabilityZone,
    BackupRetentionDays,
    CertificateArn,
    CidrBlock,
    EmailAddress,
    HostName,
    InstanceClass,
    InstanceType,
    LogRetentionDays,
    MonitoringIntervalSeconds,
    MysqlSeries,
    NodeType,
    Percent,
    Port,
    PostgresqlSeries,
    Reason,
    Schedule,
    SubnetId,
    VpcCidrBlock,
    VpcId,
    ZoneId,
    architecture,
)


class GuardedSettings(Settings):
    """Settings some of whose values are less safe than the default and then need an entry in `reasons`.

    `reasons` maps the key to why it is so; it becomes the exemption that stands at the resource in the Terraform JSON.
    """

    reasons: dict[str, Reason] = {}

    guarded: ClassVar[Mapping[str, object]] = {}
    """Key → the value that needs a reason."""

    @model_validator(mode="after")
    def _less_safe_values_have_reasons(self) -> Self:
        for key, unsafe in self.guarded.items():
            if getattr(self, key) == unsafe and key not in self.reasons:
                raise SettingsRefusal(f'needs a reason: add reasons.{key} = "why this is right here"', key)
        for key in self.reasons:
            if key not in self.guarded or getattr(self, key) != self.guarded[key]:
                raise SettingsRefusal(
                    "gives a reason for nothing: its key has its safe value, or needs none", "reasons", key
                )
        return self


class OwnNetwork(GuardedSettings):
    """A VPC of the deployment's own, with a public and a private subnet in every availability zone named."""

    cidr_block: VpcCidrBlock
    """Private addresses of the VPC."""
    availability_zones: Annotated[tuple[AvailabilityZone, ...], Field(min_length=2, max_length=6)]
    """Zones that get a subnet of each kind."""
    nat: Literal["none", "single", "per_az"] = "single"
    """How private subnets reach the internet: not at all, through one gateway, or through one in each zone."""
    flow_log_retention_days: LogRetentionDays = 365
    """How long the log of accepted and rejected connections is kept."""

    @field_validator("availability_zones")
    @classmethod
    def _zones_are_distinct(cls, zones: tuple[str, ...]) -> tuple[str, ...]:
        return each_once(zones)


class AdoptedNetwork(Settings):
    """A VPC that exists already: its id, and its subnets by availability zone."""

    vpc_id: VpcId
    """The VPC; nothing in it is created or changed."""
    public_subnet_ids: dict[AvailabilityZone, SubnetId] = {}
    """Availability zone → its subnet with a route to an internet gateway."""
    private_subnet_ids: Annotated[dict[AvailabilityZone, SubnetId], Field(min_length=2)]
    """Availability zone → its subnet without one."""

    @field_validator("public_subnet_ids", "private_subnet_ids")
    @classmethod
    def _subnets_are_distinct(cls, subnets: dict[str, str]) -> dict[str, str]:
        for zone, subnet in subnets.items():
            other = next(name for name, known in subnets.items() if known == subnet)
            if other != zone:
                raise SettingsRefusal(f"is the subnet of {other} too; a subnet lies in one zone", zone)
        return subnets

    @property
    def availability_zones(self) -> tuple[str, ...]:
        """The zones that have a private subnet."""
        return tuple(sorted(self.private_subnet_ids))


def _network_kind(value: object) -> str:
    given = value if isinstance(value, Mapping) else dict(value) if isinstance(value, Settings) else {}
    return "adopted network" if "vpc_id" in given else "own network"


NetworkSettings = Annotated[
    Annotated[OwnNetwork, Tag("own network")] | Annotated[AdoptedNetwork, Tag("adopted network")],
    Discriminator(_network_kind),
]
"""`cidr_block` makes a network, `vpc_id` adopts one."""


MYSQL_TLS_PARAMETER = "require_secure_transport"
POSTGRESQL_TLS_PARAMETER = "rds.force_ssl"


class DatabaseSettings(GuardedSettings):
    """A relational database on RDS."""

    instance_class: InstanceClass
    """CPU and memory of the instance."""
    allocated_storage_gib: Annotated[int, Field(ge=20, le=65536)]
    """Storage at creation."""
    max_allocated_storage_gib: Annotated[int, Field(ge=22, le=65536)] | None = None
    """Storage grows by itself up to this; left out, it does not grow."""
    engine_version: str
    """The release series; AWS resolves it to a minor version, which it upgrades by itself."""
    extended_support: bool = False
    """After the end of standard support RDS goes on with the series at a price, instead of upgrading it."""
    multi_az: bool = False
    """A standby in a second availability zone takes over when the first fails."""
    storage_encrypted: bool = True
    """Encryption at rest; a change replaces the database."""
    backup_retention_days: BackupRetentionDays = 7
    """0 turns backups off; RDS keeps at most 35 days."""
    performance_insights_enabled: bool = False
    """Records which statements cause load; not available on the smallest instance classes."""
    monitoring_interval_seconds: MonitoringIntervalSeconds = 60
    """How often the operating system is measured; 0 turns that off."""
    iam_database_authentication_enabled: bool = False
    """Logins by IAM tokens beside passwords."""
    require_tls: bool = True
    """Clients that do not speak TLS are turned away."""
    parameters: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]*$")], str] = {}
    """Parameters of the database's parameter group, beside those the deployment sets."""

    guarded: ClassVar[Mapping[str, object]] = {
        "storage_encrypted": False,
        "backup_retention_days": 0,
        "require_tls": False,
        "extended_support": True,
    }

    tls_parameter: ClassVar[str] = ""
    """The engine's parameter that require_tls sets."""

    @model_validator(mode="after")
    def _tls_has_one_switch(self) -> Self:
        if self.tls_parameter in self.parameters:
            raise SettingsRefusal(
                "is set by require_tls: say require_tls = true or false", "parameters", self.tls_parameter
            )
        return self

    @model_validator(mode="after")
    def _storage_can_grow(self) -> Self:
        most = self.max_allocated_storage_gib
        if most is not None and most * 10 < self.allocated_storage_gib * 11:
            raise SettingsRefusal(
                f"must be at least a tenth above allocated_storage_gib = {self.allocated_storage_gib}, or left out",
                "max_allocated_storage_gib",
            )
        return self


WITHOUT_PERFORMANCE_INSIGHTS = frozenset(
    f"db.{family}.{size}" for family in ("t2", "t3", "t4g") for size in ("micro", "small")
)
"""The instance classes that are too small for it with MySQL."""


class MysqlSettings(DatabaseSettings):
    """MySQL on RDS."""

    tls_parameter: ClassVar[str] = MYSQL_TLS_PARAMETER

    engine_version: MysqlSeries
    """The release series; AWS resolves it to a minor version, which it upgrades by itself."""

    @field_validator("engine_version")
    @classmethod
    def _knows_the_users_plugin(cls, series: str) -> str:
        if series not in ("8.0", "8.4"):
            raise SettingsRefusal(
                "must be 8.4 or 8.0: applications sign in with mysql_native_password, which MySQL 9 leaves out"
            )
        return series

    @model_validator(mode="after")
    def _performance_insights_have_room(self) -> Self:
        if self.performance_insights_enabled and self.instance_class in WITHOUT_PERFORMANCE_INSIGHTS:
            raise SettingsRefusal(
                f"must be false with {self.instance_class}, which is too small for it; medium classes are not",
                "performance_insights_enabled",
            )
        return self


class PostgresqlSettings(DatabaseSettings):
    """PostgreSQL on RDS."""

    tls_parameter: ClassVar[str] = POSTGRESQL_TLS_PARAMETER

    engine_version: PostgresqlSeries
    """The release series; AWS resolves it to a minor version, which it upgrades by itself."""


class AuroraSettings(GuardedSettings):
    """An Aurora PostgreSQL Serverless v2 cluster."""

    engine_version: PostgresqlSeries
    """The release series; AWS resolves it to a minor version, which it upgrades by itself."""
    extended_support: bool = False
    """After the end of standard support RDS goes on with the series at a price, instead of upgrading it."""
    min_capacity_acu: Annotated[float, Field(ge=0.5, le=256, multiple_of=0.5)] = 0.5
    """Each unit (ACU) brings about 2 GiB of memory."""
    max_capacity_acu: Annotated[float, Field(ge=1, le=256, multiple_of=0.5)] = 4.0
    """Upper bound of the capacity."""
    reader_instances: Annotated[int, Field(ge=0, le=15)] = 0
    """Instances beside the writer: one of them takes over when the writer fails."""
    backup_retention_days: Annotated[int, Field(ge=1, le=35)] = 7
    """Aurora cannot go without backups."""
    performance_insights_enabled: bool = False
    """Records which statements cause load."""
    require_tls: bool = True
    """Clients that do not speak TLS are turned away."""
    log_retention_days: LogRetentionDays = 365
    """How long the cluster's logs are kept."""

    guarded: ClassVar[Mapping[str, object]] = {"require_tls": False, "extended_support": True}

    @model_validator(mode="after")
    def _capacities_are_ordered(self) -> Self:
        if self.max_capacity_acu < self.min_capacity_acu:
            raise SettingsRefusal(f"is below min_capacity_acu = {self.min_capacity_acu}", "max_capacity_acu")
        return self


class ContainerTaskSettings(Settings):
    """A container that runs on Fargate until its work is done."""

    cpu_units: Literal[256, 512, 1024, 2048, 4096, 8192, 16384] = 1024
    """1024 are one virtual CPU."""
    memory_mib: Annotated[int, Field(ge=512, le=122880)] = 8192
    """Memory of the task; the allowed values follow from `cpu_units`."""
    ephemeral_storage_gib: Annotated[int, Field(ge=21, le=200)] = 80
    """Disk of the task, gone when it ends."""
    log_retention_days: LogRetentionDays = 365
    """How long the task's log is kept."""

    @model_validator(mode="after")
    def _memory_fits_the_cpu(self) -> Self:
        least, most, step = _FARGATE_MEMORY_MIB[self.cpu_units]
        if not least <= self.memory_mib <= most or self.memory_mib % step:
            allowed = "512, 1024 or 2048" if self.cpu_units == 256 else f"{least} to {most} in steps of {step}"
            raise SettingsRefusal(f"does not go with cpu_units = {self.cpu_units}; allowed: {allowed}", "memory_mib")
        return self


_FARGATE_MEMORY_MIB = {
    256: (512, 2048, 512),
    512: (1024, 4096, 1024),
    1024: (2048, 8192, 1024),
    2048: (4096, 16384, 1024),
    4096: (8192, 30720, 1024),
    8192: (16384, 61440, 4096),
    16384: (32768, 122880, 8192),
}
"""CPU units → least and most memory that Fargate gives with them, and its steps."""


_MOST_CACHE_NODES = 500
"""Nodes of one cluster, primaries and replicas, by the ElastiCache User Guide, Managing clusters (2026-11-30)."""


class RedisSettings(GuardedSettings):
    """A Redis replication group on ElastiCache."""

    node_type: NodeType
    """CPU and memory of each node."""
    engine_version: Annotated[str, Field(pattern=r"^(5\.0\.6|6\.[02]|7\.[01])$")] = "7.1"
    """Version of Redis."""
    cluster_mode: bool = True
    """Keys are spread over shards; clients need a cluster's protocol."""
    num_node_groups: Annotated[int, Field(ge=1, le=500)] = 1
    """Shards; more than one needs cluster mode."""
    replicas_per_node_group: Annotated[int, Field(ge=0, le=5)] = 1
    """Copies of each shard, which take over when its primary fails."""
    transit_encryption_enabled: bool = True
    """TLS between clients and nodes."""
    transit_encryption_mode: Literal["preferred", "required"] = "required"
    """`preferred` takes clients without TLS too: the first of two applies that turn TLS on where Redis runs already."""
    at_rest_encryption_enabled: bool = True
    """Encryption of snapshots and swap."""
    snapshot_retention_days: Annotated[int, Field(ge=0, le=35)] = 1
    """How long daily snapshots are kept; 0 takes none."""

    guarded: ClassVar[Mapping[str, object]] = {
        "transit_encryption_enabled": False,
        "transit_encryption_mode": "preferred",
        "at_rest_encryption_enabled": False,
    }

    @model_validator(mode="after")
    def _shards_need_cluster_mode(self) -> Self:
        if self.num_node_groups > 1 and not self.cluster_mode:
            raise SettingsRefusal("more than one shard needs cluster_mode = true", "num_node_groups")
        return self

    @model_validator(mode="after")
    def _nodes_fit_one_cluster(self) -> Self:
        nodes = self.num_node_groups * (1 + self.replicas_per_node_group)
        if nodes > _MOST_CACHE_NODES:
            raise SettingsRefusal(
                f"makes {nodes} nodes with replicas_per_node_group = {self.replicas_per_node_group}; "
                f"a cluster has at most {_MOST_CACHE_NODES}",
                "num_node_groups",
            )
        return self

    @model_validator(mode="after")
    def _a_mode_of_tls_needs_redis_7(self) -> Self:
        if self.transit_encryption_mode == "preferred" and not self.has_modes_of_tls:
            raise SettingsRefusal(
                f'must be required with engine_version = "{self.engine_version}": Redis 7 and later know preferred',
                "transit_encryption_mode",
            )
        return self

    @property
    def has_modes_of_tls(self) -> bool:
        """ElastiCache takes a mode from Redis 7.0.5 on; before that TLS is required wherever it is on."""
        return int(self.engine_version[0]) >= 7


class OnDemandCapacity(Settings):
    """DynamoDB capacity paid by request."""

    billing_mode: Literal["PAY_PER_REQUEST"] = "PAY_PER_REQUEST"
    """Billing by request."""


class ProvisionedCapacity(Settings):
    """DynamoDB capacity paid by the hour, following use between two bounds."""

    billing_mode: Literal["PROVISIONED"]
    """Billing by the hour."""
    min_read_capacity: Annotated[int, Field(ge=1, le=40000)]
    """Fewest read units."""
    max_read_capacity: Annotated[int, Field(ge=1, le=40000)]
    """Most read units."""
    min_write_capacity: Annotated[int, Field(ge=1, le=40000)]
    """Fewest write units."""
    max_write_capacity: Annotated[int, Field(ge=1, le=40000)]
    """Most write units."""
    target_utilization_percent: Annotated[int, Field(ge=20, le=90)] = 70
    """Use of the capacity that scaling holds."""

    @model_validator(mode="after")
    def _bounds_are_ordered(self) -> Self:
        for kind in ("read", "write"):
            if getattr(self, f"max_{kind}_capacity") < getattr(self, f"min_{kind}_capacity"):
                raise SettingsRefusal(f"is below min_{kind}_capacity", f"max_{kind}_capacity")
        return self


TableCapacity = Annotated[OnDemandCapacity | ProvisionedCapacity, Field(discriminator="billing_mode")]


class TableSettings(GuardedSettings):
    """A DynamoDB table's knobs; its keys belong to the deployment."""

    capacity: TableCapacity = OnDemandCapacity()
    point_in_time_recovery_enabled: bool = True
    """Continuous backups: any second of the last 35 days can be restored."""

    guarded: ClassVar[Mapping[str, object]] = {"point_in_time_recovery_enabled": False}


class LatestImage(Settings):
    """The newest image of a line that AWS publishes as a public SSM parameter."""

    ssm_parameter: Annotated[str, Field(pattern=r"^/aws/service/[A-Za-z0-9/._-]+$")] = (
        "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    )
    """The public parameter, read by EC2 when an instance starts."""

    @property
    def package_ports(self) -> tuple[int, ...]:
        """Ports of the image's package repositories and of AWS: Amazon Linux 2023 needs TLS alone (2026-11-28)."""
        return (443,) if "/al2023-" in self.ssm_parameter else (80, 443)


class FixedImage(Settings):
    """One image; it belongs to one region and may be withdrawn."""

    ami_id: AmiId
    """The image's id."""

    @property
    def package_ports(self) -> tuple[int, ...]:
        """As above; an image that only its id tells of may be Amazon Linux 2, with repositories on port 80."""
        return 80, 443


def _image_kind(value: object) -> str:
    given = value if isinstance(value, Mapping) else dict(value) if isinstance(value, Settings) else {}
    return "fixed image" if "ami_id" in given else "latest image"


ImageSettings = Annotated[
    Annotated[LatestImage, Tag("latest image")] | Annotated[FixedImage, Tag("fixed image")], Discriminator(_image_kind)
]


class FleetSettings(GuardedSettings):
    """A group of equal EC2 instances."""

    instance_type: InstanceType
    """CPU and memory of each instance."""
    image: ImageSettings = LatestImage()
    min_size: Annotated[int, Field(ge=0, le=500)]
    """Fewest instances."""
    max_size: Annotated[int, Field(ge=1, le=500)]
    """Most instances."""
    target_cpu_percent: Percent = 50
    """The average CPU the group is scaled to hold."""
    root_volume_size_gib: Annotated[int, Field(ge=8, le=16384)] = 20
    """Disk of each instance, encrypted."""
    health_check_grace_period_seconds: Annotated[int, Field(ge=0, le=7200)] = 300
    """Time for a new instance to become healthy."""
    log_retention_days: LogRetentionDays = 365
    """How long the instances' logs are kept."""
    http_tokens: Literal["required", "optional"] = "required"
    """`required` is IMDSv2 only."""

    guarded: ClassVar[Mapping[str, object]] = {"http_tokens": "optional"}

    @model_validator(mode="after")
    def _sizes_are_ordered(self) -> Self:
        if self.max_size < self.min_size:
            raise SettingsRefusal(f"is below min_size = {self.min_size}", "max_size")
        return self

    @model_validator(mode="after")
    def _image_runs_on_the_processor(self) -> Self:
        refuse_other_processor(self.instance_type, self.image)
        return self


def refuse_other_processor(instance_type: str, image: LatestImage | FixedImage) -> None:
    """Raises SettingsRefusal when the image's name says that it is for the other processor.

    >>> refuse_other_processor("t4g.small", LatestImage())
    Traceback (most recent call last):
    config.settings.SettingsRefusal: is an arm64 instance, and image.ssm_parameter names an x86_64 image
    """
    if isinstance(image, FixedImage):
        return
    named = next((known for known in ("arm64", "x86_64") if known in image.ssm_parameter), None)
    if named not in (None, architecture(instance_type)):
        raise SettingsRefusal(
            f"is an {architecture(instance_type)} instance, and image.ssm_parameter names an {named} image",
            "instance_type",
        )


class DnsSettings(Settings):
    """The public name of a load balancer, in a hosted zone that exists."""

    host_name: HostName
    """The name, below the zone's."""
    zone_id: ZoneId
    """The public hosted zone that gets the records."""
    certificate_arn: CertificateArn | None = None
    """Left out, a certificate is requested and validated through the zone."""

    @model_validator(mode="after")
    def _acm_takes_the_name(self) -> Self:
        if self.certificate_arn is None:
            refuse_long_certificate_name(self.host_name)
        return self


def refuse_long_certificate_name(host_name: str) -> None:
    """Raises SettingsRefusal for a host name that cannot be a certificate's first name."""
    if len(host_name) > LONGEST_CERTIFICATE_NAME:
        raise SettingsRefusal(
            f"has {len(host_name)} characters; ACM makes certificates for names of at most {LONGEST_CERTIFICATE_NAME}",
            "host_name",
        )


class LoadBalancerSettings(GuardedSettings):
    """An application load balancer. HTTPS comes with `dns`; without it there is HTTP only."""

    http_port: Port = 80
    """Port of HTTP; with `dns` it only redirects."""
    https_port: Port = 443
    """Port of HTTPS, used with `dns`."""
    dns: DnsSettings | None = None
    idle_timeout_seconds: Annotated[int, Field(ge=1, le=4000)] = 60
    """A connection without traffic is closed after this long."""
    source_cidr_blocks: Annotated[tuple[CidrBlock, ...], Field(min_length=1)] = ("0.0.0.0/0",)
    """Address ranges that may reach the listeners."""
    access_logs_enabled: bool = True
    """A log line for each request, in a bucket."""
    access_log_retention_days: Annotated[int, Field(ge=1, le=3650)] = 90
    """How long these logs are kept."""

    guarded: ClassVar[Mapping[str, object]] = {"dns": None, "access_logs_enabled": False}

    @field_validator("source_cidr_blocks")
    @classmethod
    def _blocks_are_distinct(cls, blocks: tuple[str, ...]) -> tuple[str, ...]:
        return each_once(blocks)

    @model_validator(mode="after")
    def _ports_are_apart(self) -> Self:
        if self.dns is not None and self.http_port == self.https_port:
            raise SettingsRefusal("is https_port too; one listener cannot speak both", "http_port")
        return self


class ScheduleSettings(Settings):
    """A recurring schedule."""

    expression: Schedule
    """As EventBridge Scheduler takes it: `rate(3 hours)`, `cron(0 3 * * ? *)`; times are UTC."""
    flexible_window_minutes: Annotated[int, Field(ge=0, le=1440)] = 10
    """It begins at some moment within these minutes; 0 is on the minute."""
    enabled: bool = True
    """`false` pauses the schedule."""


class AlarmSettings(Settings):
    """Recipients of alarms."""

    emails: tuple[EmailAddress, ...] = ()
    """Each address confirms its subscription once."""

    @field_validator("emails")
    @classmethod
    def _emails_are_distinct(cls, emails: tuple[str, ...]) -> tuple[str, ...]:
        return each_once(emails)
