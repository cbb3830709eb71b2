"""Sync Storage: webheads behind a load balancer, one cache, and MySQL nodes that each serve ten host names."""

from __future__ import annotations

from pathlib import Path

from cdktf import App

from config.environment import Environment
from deployments.sync_storage.constructs.configuration import Configuration
from deployments.sync_storage.constructs.nodes import Nodes
from deployments.sync_storage.constructs.purge import purge_function
from deployments.sync_storage.constructs.render_command import RenderCommand
from deployments.sync_storage.constructs.webheads import Webheads
from deployments.sync_storage.outputs import SyncStorageOutputs
from deployments.sync_storage.settings import SyncStorageSettings
from modules.alarms import Alarms
from modules.load_balancer import HealthCheck, LoadBalancer
from modules.memcached import Memcached
from modules.mysql_databases import MysqlDatabases
from modules.network import Network
from modules.stack import DeploymentStack

TABLES = Path(__file__).parent / "runtime" / "tables.sql"
HEARTBEAT = HealthCheck(path="/__heartbeat__", interval_seconds=10, healthy_threshold=3, unhealthy_threshold=3)
LARGEST_ITEM_MIB = 21
"""The application stores values of up to 20 MiB; an item holds its key besides."""
LONGEST_REQUEST_SECONDS = 500
"""After which gunicorn gives up, and an instance that leaves need not wait any longer."""


class SyncStorageStack(DeploymentStack):
    """The document's components; what it leaves to hands and files is in AWS's stores and in `quintet sync-storage`."""

    def __init__(self, scope: App, *, environment: Environment, settings: SyncStorageSettings) -> None:
        super().__init__(scope, deployment="sync-storage", environment=environment, settings=settings)
        name = self.physical_name

        # what lasts
        network = Network(self, "network", name=name("network"), settings=settings.network)
        load_balancer = LoadBalancer(
            self,
            "load_balancer",
            name="syncstorage-lb",
            network=network,
            settings=settings.load_balancer,
            further_host_names=[f"*.{settings.host_names.domain}"],
            preserve_host_header=True,
        )
        cache = Memcached(
            self,
            "cache",
            name=name("cache", max_length=50),
            network=network,
            settings=settings.cache,
            max_item_size_mib=LARGEST_ITEM_MIB,
            security_group_name="syncstorage-sg-cache",
        )
        configuration = Configuration(self, "configuration", application_user=settings.application_user)
        nodes = Nodes(
            self,
            "nodes",
            network=network,
            load_balancer=load_balancer,
            settings=settings,
            identifier_prefix=name("node-"),
            secret_prefix=configuration.secret_prefix,
            parameter_path=configuration.nodes_path,
        )

        # what runs
        databases = MysqlDatabases(
            self,
            "databases",
            name=name("databases"),
            network=network,
            identifier_prefix=nodes.identifier_prefix,
            user_secret=configuration.application_secret,
            rights=("SELECT", "INSERT", "UPDATE", "DELETE"),
            tables=TABLES,
        )
        purge = purge_function(self, settings.purge, network=network, configuration=configuration)
        hosts = Webheads(self, settings, network, configuration)
        webheads, image_bake = hosts.fleet(), hosts.image_bake()
        render_command = RenderCommand(self, "render_command", name=name("render"))

        # who reaches what
        load_balancer.forward_to(
            webheads, port=80, health_check=HEARTBEAT, deregistration_delay_seconds=LONGEST_REQUEST_SECONDS
        )
        nodes.connections.allow_from(webheads)
        nodes.connections.allow_from(databases)
        nodes.connections.allow_from(purge)
        cache.connections.allow_from(webheads)
        configuration.name_cache(cache)
        configuration.grant_read(webheads)
        webheads.wait_for(*configuration.entries, *nodes.entries)
        hosts.grant_pull(webheads, image_bake)
        Alarms(
            self,
            "alarms",
            name=name("alarms"),
            settings=settings.alarms,
            watched=[load_balancer, webheads, nodes, cache, databases, purge],
        )

        self.offer(
            SyncStorageOutputs(
                url=load_balancer.url,
                load_balancer_name=load_balancer.dns_name,
                group=webheads.group_name,
                parameter_path=configuration.path,
                application_secret=configuration.application_secret.name,
                application_user=settings.application_user,
                zone_id=settings.host_names.zone_id,
                databases_function=databases.function_name,
                purge_function=purge.name,
                render_document=render_command.name,
                image_pipeline_arn=image_bake.arn if image_bake else None,
                nginx_log_group=webheads.log_group_names["nginx"],
                gunicorn_log_group=webheads.log_group_names["gunicorn"],
                boot_log_group=webheads.log_group_names["boot"],
            )
        )
