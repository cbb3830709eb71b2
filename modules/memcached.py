"""Memcached on ElastiCache."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from cdktf import TerraformResourceLifecycle
from cdktf_cdktf_provider_aws.elasticache_cluster import ElasticacheCluster
from cdktf_cdktf_provider_aws.elasticache_parameter_group import (
    ElasticacheParameterGroup,
    ElasticacheParameterGroupParameter,
)
from cdktf_cdktf_provider_aws.elasticache_subnet_group import ElasticacheSubnetGroup
from constructs import Construct

from config.memcached import MemcachedSettings
from modules.access import Connections
from modules.network import Network
from modules.watches.memcached import memcached_watches
from modules.watches.watch import Watch

PORT = 11211
FAMILY = "memcached1.6"


class Memcached(Construct):
    """A memcached cluster in private subnets that only its allowed peers reach.

    It keeps nothing: what a node holds is gone when it is replaced. An item, its key and header included, has at most
    `max_item_size_mib`, and clients must be told so as well. `security_group_name` is the group's when a document asks
    for one, else `name`. Raises ValueError when `name` has more than the 50 characters that ElastiCache allows.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        name: str,
        network: Network,
        settings: MemcachedSettings,
        max_item_size_mib: int = 1,
        security_group_name: str | None = None,
    ) -> None:
        super().__init__(scope, id_)
        if len(name) > 50:
            raise ValueError(f"a cache cluster's name has at most 50 characters, {name} has {len(name)}")
        self._settings = settings
        self.port: Final[int] = PORT
        self.connections: Final[Connections] = Connections(
            self, name=security_group_name or name, vpc_id=network.vpc_id, port=PORT, description=f"The cache {name}"
        )
        subnet_group = ElasticacheSubnetGroup(
            self, "subnet_group", name=name, description=f"Of {name}", subnet_ids=list(network.private_subnet_ids)
        )
        parameter_group = ElasticacheParameterGroup(
            self,
            "parameter_group",
            name=f"{name}-{FAMILY.replace('.', '-')}",  # another family's group can stand beside this one
            family=FAMILY,
            description=f"Of {name}",
            parameter=[ElasticacheParameterGroupParameter(name="max_item_size", value=str(max_item_size_mib * 2**20))],
            lifecycle=TerraformResourceLifecycle(create_before_destroy=True),
        )
        self._cluster = ElasticacheCluster(
            self,
            "Default",
            cluster_id=name,
            engine="memcached",
            engine_version=settings.engine_version,
            apply_immediately=True,  # the operator chooses the hour, and what was applied is what runs
            node_type=settings.node_type,
            num_cache_nodes=settings.num_cache_nodes,
            az_mode="single-az" if settings.num_cache_nodes == 1 else "cross-az",
            port=PORT,
            subnet_group_name=subnet_group.name,
            security_group_ids=[self.connections.security_group_id],
            parameter_group_name=parameter_group.name,
        )

    @property
    def address(self) -> str:
        """The host name, without the port, where clients that know of autodiscovery learn of every node.

        With a single node it is that node's as well, for every other client.
        """
        return self._cluster.cluster_address

    def watches(self) -> Sequence[Watch]:
        """Watches of every node: CPU, evictions, swap and connections."""
        return memcached_watches(self._cluster.cluster_id, self._settings.num_cache_nodes)
