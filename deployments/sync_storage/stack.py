"""Sync Storage: webheads behind a load balancer, one cache, and MySQL nodes that each serve ten host names."""

from __future__ import annotations

from pathlib import Path

from cdktf import App

from config.environment import Environment
from deployments.sync_storage.constructs.configuration import Configuration
from deployments.sync_storage.constructs.nodes import Nodes
from deployments.sync_storage.constructs.registry import grant_pull, registry_of
from deployments.sync_storage.constructs.render_command import RenderCommand
from deployments.sync_storage.settings import ContainerApplication, SyncStorageSettings
from modules.alarms import Alarms
from modules.fleet import Fleet, log_group_name
from modules.image_pipeline import ImagePipeline
from modules.load_balancer import HealthCheck, LoadBalancer
from modules.memcached import Memcached
from modules.mysql_databases import MysqlDatabases
from modules.network import Network
from modules.stack import DeploymentStack
from modules.template import template_file
from modules.user_data import render

RUNTIME = Path(__file__).parent / "runtime"
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
        application = settings.webheads.application
        container_image = application.container_image if isinstance(application, ContainerApplication) else ""
        packages = () if isinstance(application, ContainerApplication) else application.pip_requirements
        installed = {
            "region": self.region,
            "registry": registry_of(container_image),
            "container_image": container_image,
            "pip_requirements": "|".join(packages),
        }

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
        databases = MysqlDatabases(
            self,
            "databases",
            name=name("databases"),
            network=network,
            identifier_prefix=nodes.identifier_prefix,
            user_secret=configuration.application_secret,
        )
        webheads = Fleet(
            self,
            "webheads",
            name=name("webheads"),
            network=network,
            settings=settings.webheads,
            security_group_name="syncstorage-sg-web",
            log_roles=("nginx", "gunicorn", "boot"),
            compressed_user_data=True,
            user_data=template_file(
                self,
                RUNTIME / "user_data.sh",
                **installed,
                parameter_path=configuration.path,
                application_secret=configuration.application_secret.name,
                gunicorn_workers=str(settings.webheads.gunicorn_workers),
                max_body_mib=str(settings.webheads.max_body_mib),
                nginx_log_group=log_group_name(name("webheads"), "nginx"),
                gunicorn_log_group=log_group_name(name("webheads"), "gunicorn"),
                boot_log_group=log_group_name(name("webheads"), "boot"),
            ),
        )
        render_command = RenderCommand(self, "render_command", name=name("render"))

        load_balancer.forward_to(
            webheads, port=80, health_check=HEARTBEAT, deregistration_delay_seconds=LONGEST_REQUEST_SECONDS
        )
        nodes.connections.allow_from(webheads)
        nodes.connections.allow_from(databases)
        cache.connections.allow_from(webheads)
        configuration.name_cache(cache)
        configuration.grant_read(webheads)
        grant_pull(self, container_image, webheads)
        if settings.image_bake is not None:
            image_bake = ImagePipeline(
                self,
                "image_bake",
                name=name("webhead-image"),
                network=network,
                install=render(RUNTIME / "bake.sh", **installed),
                instance_type=settings.image_bake.instance_type,
                root_volume_size_gib=settings.webheads.root_volume_size_gib,
            )
            grant_pull(self, container_image, image_bake)
            self.output("image_pipeline_arn", image_bake.arn, description="Makes images that webheads start from")
        Alarms(
            self,
            "alarms",
            name=name("alarms"),
            settings=settings.alarms,
            watched=[load_balancer, webheads, nodes, cache, databases],
        )

        self.output("url", load_balancer.url, description="Where clients are let in, whatever their node")
        self.output("load_balancer_name", load_balancer.dns_name, description="What the nodes' host names lead to")
        self.output("group", webheads.group_name, description="The Auto Scaling group of the webheads")
        self.output("parameter_path", configuration.path, description="Below which webheads look up what to serve")
        self.output(
            "application_secret", configuration.application_secret.name, description="Who webheads are for the nodes"
        )
        self.output("application_user", settings.application_user, description="That user's name")
        self.output("zone_id", settings.host_names.zone_id, description="The hosted zone of the nodes' host names")
        self.output("databases_function", databases.function_name, description="Makes the databases of a node")
        self.output("render_document", render_command.name, description="Has webheads render their files anew")
        for role, group in webheads.log_group_names.items():
            self.output(f"{role}_log_group", group, description=f"Where webheads send the log of {role}")
