"""The database hosts: what belongs to each, and what they share."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from constructs import Construct

from deployments.sync_storage.settings import HOST_NAMES_PER_NODE, NodeSettings, SyncStorageSettings
from modules.access import Connections
from modules.database import Database
from modules.dns import CanonicalNames
from modules.engines import MYSQL
from modules.load_balancer import LoadBalancer
from modules.network import Network
from modules.parameter import Parameter
from modules.secret import Secret
from modules.stack import DeploymentStack
from modules.watches.watch import Watch

SECURITY_GROUP = "syncstorage-sg-db"
DATABASES = tuple(f"syncstorage{number}" for number in range(HOST_NAMES_PER_NODE))
PARAMETERS = {
    "character_set_server": "utf8",
    "collation_server": "utf8_general_ci",
}
"""The collation of handshakes. PyMySQL 0.6.7, the application's client, fails with `KeyError: 255` before it signs in
to a server with MySQL's own default, utf8mb4_0900_ai_ci (run against MySQL 8.4.8 on 2026-11-28)."""


class Nodes(Construct):
    """Every node of the settings, in one security group: a group for each would pass the limit of rules.

    A node is known to the webheads by its parameter below `parameter_path` and to the token server by its host names.
    `identifier_prefix` and the node's name are what RDS calls it.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        network: Network,
        load_balancer: LoadBalancer,
        settings: SyncStorageSettings,
        identifier_prefix: str,
        secret_prefix: str,
        parameter_path: str,
    ) -> None:
        super().__init__(scope, id_)
        self.identifier_prefix: Final[str] = identifier_prefix
        self.connections: Final[Connections] = Connections(
            self, name=SECURITY_GROUP, vpc_id=network.vpc_id, port=MYSQL.port, description="Nodes of Sync Storage"
        )
        self._nodes = {
            name: Node(
                self,
                name,
                network=network,
                connections=self.connections,
                load_balancer=load_balancer,
                settings=node,
                host_names=settings.node_host_names(name),
                zone_id=settings.host_names.zone_id,
                scheme=settings.scheme,
                username=settings.node_user,
                database_name=f"{identifier_prefix}{name}",
                secret_name=f"{secret_prefix}{name}",
                parameter_name=f"{parameter_path}/{name}",
            )
            for name, node in settings.nodes.items()
        }
        self.entries: Final[Sequence[str]] = [node.entry for node in self._nodes.values()]
        """Addresses of what webheads look up while they boot."""

    def watches(self) -> Sequence[Watch]:
        """Watches of each node."""
        return [
            replace(watch, role=f"{name}_{watch.role}", description=f"Node {name}: {watch.description}")
            for name, node in self._nodes.items()
            for watch in node.watches()
        ]


class Node(Construct):
    """One database host: MySQL on RDS, ten host names, the master secrets of these, and the entry that says so.

    The databases themselves are made by an operator's command.
    """

    def __init__(
        self,
        scope: Construct,
        id_: str,
        *,
        network: Network,
        connections: Connections,
        load_balancer: LoadBalancer,
        settings: NodeSettings,
        host_names: Sequence[str],
        zone_id: str,
        scheme: str,
        username: str,
        database_name: str,
        secret_name: str,
        parameter_name: str,
    ) -> None:
        super().__init__(scope, id_)
        self._database = Database(
            self,
            "database",
            name=database_name,
            network=network,
            engine=MYSQL,
            settings=settings,
            database_name=DATABASES[0],
            username=username,
            parameters=PARAMETERS,
            connections=connections,
        )
        CanonicalNames(self, "host_names", zone_id=zone_id, host_names=host_names, target=load_balancer.dns_name)
        secrets = Secret(
            self,
            "master_secrets",
            name=secret_name,
            description="Lines of the secrets file: node,timestamp:secret,…",
        )
        entry = Parameter(
            self,
            "entry",
            name=parameter_name,
            description=f"Node {id_} of {DeploymentStack.of_construct(self).node.id}",
            value=json.dumps(
                {
                    "address": self._database.address,
                    "host_names": list(host_names),
                    "identifier": database_name,
                    "master_secrets": secrets.name,
                    "port": MYSQL.port,
                    "scheme": scheme,
                },
                separators=(",", ":"),
            ),
        )
        self.entry: Final[str] = entry.address
        """Where in the state the entry stands that webheads look up."""

    def watches(self) -> Sequence[Watch]:
        """CPU, storage, memory and connections."""
        return self._database.watches()
