"""Settings of Sync Storage."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, StringConstraints, field_validator, model_validator

from config.components import FleetSettings, MysqlSettings, OwnNetwork, ScheduleSettings
from config.deployment import DeploymentSettings, RegionalLoadBalancerSettings
from config.memcached import MemcachedSettings
from config.settings import Settings, SettingsRefusal
from config.types import HostName, InstanceType, UserName, ZoneId, architecture

HOST_NAMES_PER_NODE = 10
SLOWEST_REQUEST_SECONDS = 575
"""How long nginx waits for the application, which itself gives up after 500 seconds."""
LONGEST_NODE_NAME = 64
"""Length of the column `node` in the token server's table `nodes`."""

NodeName = Annotated[
    str, StringConstraints(max_length=12), Field(pattern=r"^[a-z][a-z0-9]*$", description="A letter, then a-z and 0-9")
]


class HostNamesSettings(Settings):
    """Where the nodes' host names are: `a-0` to `a-9` of node a, below `domain`."""

    domain: HostName
    """The domain of all host names."""
    zone_id: ZoneId
    """The hosted zone that holds the domain."""


class NodeSettings(MysqlSettings):
    """One database host. It serves ten host names, each with a database of its own."""


class CacheSettings(MemcachedSettings):
    """The cache the webheads share; collections such as `tabs` are in it and nowhere else."""

    @field_validator("num_cache_nodes")
    @classmethod
    def _the_client_takes_one_server(cls, number: int) -> int:
        if number != 1:
            raise ValueError("must be 1: the application's memcached client can handle one server only")
        return number


class ApplicationSettings(Settings):
    """The application, which needs Python 2.7: a container image brings it along, Amazon Linux 2023 has none."""

    container_image: Annotated[
        str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*(:[0-9]+)?(/[a-z0-9._-]+)+(:[A-Za-z0-9_.-]+|@sha256:[0-9a-f]{64})$")
    ]
    """With registry and tag or digest; of a private registry only Amazon ECR."""


class WebheadSettings(FleetSettings):
    """The instances that serve; their `container_image` says what runs on them."""

    application: ApplicationSettings
    gunicorn_workers: Annotated[int, Field(ge=1, le=64)] = 4
    """Processes of the application on each webhead."""


class ImageBakeSettings(Settings):
    """Images with everything installed, made every week: webheads that start from one are ready within a minute."""

    instance_type: InstanceType = "t3.medium"
    """CPU and memory of the instance that builds an image."""

    @field_validator("instance_type")
    @classmethod
    def _runs_the_base_image(cls, instance_type: str) -> str:
        if architecture(instance_type) != "x86_64":
            raise ValueError("is an arm64 instance; images are built on one for x86_64, example: t3.medium")
        return instance_type


class SyncStorageSettings(DeploymentSettings):
    """Sync Storage in one environment."""

    host_names: HostNamesSettings
    load_balancer: RegionalLoadBalancerSettings
    cache: CacheSettings
    node_user: UserName = "syncstorage"
    """The nodes' master user, as the document names it; RDS makes and rotates its password."""
    application_user: UserName = "syncstorage_app"
    """The webheads' login on the nodes: it may read and write rows in their databases, and no more."""
    nodes: Annotated[dict[NodeName, NodeSettings], Field(min_length=1)]
    webheads: WebheadSettings
    purge: ScheduleSettings = ScheduleSettings(expression="rate(1 day)", flexible_window_minutes=60)
    """When expired rows are deleted, a day after they expired."""
    image_bake: ImageBakeSettings | None = None
    """Left out, nothing is baked."""

    @property
    def scheme(self) -> str:
        """The protocol that clients speak and node names begin with."""
        return "http" if self.load_balancer.dns is None else "https"

    def node_host_names(self, node: str) -> tuple[str, ...]:
        """The host names of a node, in the order of its databases."""
        return tuple(f"{node}-{number}.{self.host_names.domain}" for number in range(HOST_NAMES_PER_NODE))

    @model_validator(mode="after")
    def _names_fit_the_token_server(self) -> Self:
        for node in self.nodes:
            name = f"{self.scheme}://{self.node_host_names(node)[0]}"
            if len(name) > LONGEST_NODE_NAME:
                raise SettingsRefusal(
                    f"makes the node name {name}, which has {len(name)} characters; "
                    f"the token server's table takes {LONGEST_NODE_NAME}",
                    "host_names",
                    "domain",
                )
        return self

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Self:
        if self.load_balancer.idle_timeout_seconds <= SLOWEST_REQUEST_SECONDS:
            raise SettingsRefusal(
                f"must be above {SLOWEST_REQUEST_SECONDS}, the slowest request, or the load balancer cuts it off",
                "load_balancer",
                "idle_timeout_seconds",
            )
        if isinstance(self.network, OwnNetwork) and self.network.nat == "none":
            raise SettingsRefusal(
                "must be single or per_az: webheads fetch packages and secrets from outside", "network", "nat"
            )
        if self.webheads.http_tokens == "optional":
            raise SettingsRefusal(
                "must be required: without tokens the application's container reaches the webheads' role",
                "webheads",
                "http_tokens",
            )
        if self.application_user == self.node_user:
            raise SettingsRefusal(
                "must differ from node_user: webheads are not the databases' master", "application_user"
            )
        for name, node in self.nodes.items():
            if node.require_tls:
                raise SettingsRefusal(
                    "must be false, with its reason: PyMySQL 0.6.7, the application's client, speaks TLS 1.0 only",
                    "nodes",
                    name,
                    "require_tls",
                )
        return self
