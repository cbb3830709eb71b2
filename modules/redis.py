"""Redis on ElastiCache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.elasticache_parameter_group import (
    ElasticacheParameterGroup,
    ElasticacheParameterGroupParameter,
)
from cdktf_cdktf_provider_aws.elasticache_replication_group import (
    ElasticacheReplicationGroup,
)
from cdktf_cdktf_provider_aws.elasticache_replication_group import (
    ElasticacheReplicationGroupLogDeliveryConfiguration as LogDelivery,
)
from cdktf_cdktf_provider_aws.elasticache_subnet_group import ElasticacheSubnetGroup
from constructs import Construct

from config.components import RedisSettings
from modules.access import Connections
from modules.log_group import LogGroup
from modules.network import Network
from modules.refusals import exempt
from modules.secret import Secret
from modules.stack import DeploymentStack
from modules.watches.redis import redis_watches
from modules.watches.watch import Watch

LOG_RETENTION_DAYS = 365
PORT = 6379


class Redis(Construct):
    """A Redis replication group in the private subnets of every availability zone that only its allowed peers reach.

    With replicas it survives the loss of a zone. A password given through Terraform would stand in the state, so an
    operator's command sets one, where TLS is on; the security group says who comes in at all. A protected one cannot
    be destroyed, and leaves a final snapshot once that is lifted.

    Raises ValueError when `name` has more than the 40 characters that ElastiCache allows.
    """

    def __init__(self, scope: Construct, id_: str, *, name: str, network: Network, settings: RedisSettings) -> None:
        super().__init__(scope, id_)
        protect = DeploymentStack.of_construct(self).protect_data
        if len(name) > 40:
            raise ValueError(f"a replication group's name has at most 40 characters, {name} has {len(name)}")
        self.name: Final[str] = name
        self._settings = settings
        self.port: Final[int] = PORT
        self.connections: Final[Connections] = Connections(
            self, name=name, vpc_id=network.vpc_id, port=PORT, description=f"The Redis {name}"
        )
        subnet_group = ElasticacheSubnetGroup(
            self, "subnet_group", name=name, description=f"Of {name}", subnet_ids=list(network.private_subnet_ids)
        )
        replicas, clustered = settings.replicas_per_node_group, settings.cluster_mode
        self._group = ElasticacheReplicationGroup(
            self,
            "Default",
            replication_group_id=name,
            description=f"Redis of {name}",
            engine="redis",
            engine_version=settings.engine_version,
            auto_minor_version_upgrade="true",
            apply_immediately=True,  # the operator chooses the hour, and what was applied is what runs
            node_type=settings.node_type,
            num_node_groups=settings.num_node_groups if clustered else None,
            replicas_per_node_group=replicas if clustered else None,
            num_cache_clusters=None if clustered else 1 + replicas,
            automatic_failover_enabled=clustered or replicas > 0,  # cluster mode does not come without
            multi_az_enabled=replicas > 0,
            port=PORT,
            subnet_group_name=subnet_group.name,
            security_group_ids=[self.connections.security_group_id],
            parameter_group_name=self._parameter_group().name,
            at_rest_encryption_enabled=str(settings.at_rest_encryption_enabled).lower(),
            transit_encryption_enabled=settings.transit_encryption_enabled,
            transit_encryption_mode=settings.transit_encryption_mode
            if settings.transit_encryption_enabled and settings.has_modes_of_tls
            else None,
            snapshot_retention_limit=settings.snapshot_retention_days,
            final_snapshot_identifier=f"{name}-final" if protect else None,
            log_delivery_configuration=list(self._log_delivery()),
            lifecycle=TerraformResourceLifecycle(prevent_destroy=True) if protect else None,
        )
        self.auth: Final[Secret | None] = (
            Secret(self, "auth", name=f"{name}-auth", description="The AUTH token of Redis")
            if settings.transit_encryption_enabled
            else None
        )
        """The token's secret, where TLS is on: Redis takes none without."""
        self._explain()

    @property
    def endpoint(self) -> str:
        """The host name for clients: with cluster mode where they learn of all shards, else always the primary."""
        clustered = self._settings.cluster_mode
        return self._group.configuration_endpoint_address if clustered else self._group.primary_endpoint_address

    def watches(self) -> Sequence[Watch]:
        """Watches of every node: CPU, memory, evictions and swap, and how far replicas lag."""
        return redis_watches(self._group.replication_group_id, self._settings)

    def _parameter_group(self) -> ElasticacheParameterGroup:
        family = {"5": "redis5.0", "6": "redis6.x", "7": "redis7"}[self._settings.engine_version[0]]
        mode = "cluster" if self._settings.cluster_mode else "single"
        return ElasticacheParameterGroup(
            self,
            "parameter_group",
            name=f"{self.name}-{family.replace('.', '-')}-{mode}",  # another family's group can stand beside this one
            family=family,
            description=f"Of {self.name}",
            parameter=[ElasticacheParameterGroupParameter(name="cluster-enabled", value="yes")]
            if self._settings.cluster_mode
            else [],
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )

    def _log_delivery(self) -> Iterator[LogDelivery]:
        if self._settings.engine_version.startswith("5."):
            return  # Redis 5 delivers no logs
        group = LogGroup(
            self, "slow_log", name=f"/aws/elasticache/{self.name}/slow-log", retention_days=LOG_RETENTION_DAYS
        )
        yield LogDelivery(
            destination=group.name, destination_type="cloudwatch-logs", log_format="json", log_type="slow-log"
        )

    def _explain(self) -> None:
        settings, reasons, redis = self._settings, self._settings.reasons, self._group
        if not settings.at_rest_encryption_enabled:
            exempt(redis, "unencrypted-cache", "CKV_AWS_29", reason=reasons["at_rest_encryption_enabled"])
        if not settings.transit_encryption_enabled:
            exempt(redis, "clear-text-cache", "CKV_AWS_30", reason=reasons["transit_encryption_enabled"])
        if not settings.cluster_mode and settings.replicas_per_node_group == 0:
            exempt(redis, "CKV2_AWS_50", reason="the settings ask for one node, which has nothing to fail over to")
        exempt(redis, "CKV_AWS_31", reason="a token in Terraform would stand in the state; operators set it")
        exempt(redis, "CKV_AWS_191", reason="ElastiCache encrypts with a key of its own; nobody else reads its disks")
