"""The SUAI Cloud App: an Auto Scaling group behind a load balancer, MySQL, Redis, DynamoDB and S3."""

from __future__ import annotations

from pathlib import Path

from cdktf import App

from config.environment import Environment
from config.types import ACCESS_LOGS
from deployments.suai_cloud_app.outputs import SuaiCloudAppOutputs
from deployments.suai_cloud_app.settings import SuaiCloudAppSettings
from modules.alarms import Alarms
from modules.bucket import Bucket
from modules.closed_paths import ClosedPaths
from modules.database import Database
from modules.engines import MYSQL
from modules.fleet import Fleet, log_group_name
from modules.load_balancer import HealthCheck, LoadBalancer
from modules.network import Network
from modules.redis import Redis
from modules.stack import DeploymentStack
from modules.table import Key, Table
from modules.template import template_file

RUNTIME = Path(__file__).parent / "runtime"
RELEASES = "releases/"


class SuaiCloudAppStack(DeploymentStack):
    """The document's infrastructure; what it leaves open is closed."""

    def __init__(self, scope: App, *, environment: Environment, settings: SuaiCloudAppSettings) -> None:
        super().__init__(scope, deployment="suai-cloud-app", environment=environment, settings=settings)
        name = self.physical_name

        # what lasts
        network = Network(self, "network", name=name("network"), settings=settings.network)
        access_logs = Bucket.for_access_logs(self, "access_logs", name=f"{settings.bucket.name}{ACCESS_LOGS}")
        bucket = Bucket(self, "bucket", name=settings.bucket.name, access_log_bucket=access_logs)
        database = Database(
            self,
            "database",
            name=name("database"),
            network=network,
            engine=MYSQL,
            settings=settings.database,
            database_name=settings.application.database_name,
            username=settings.application.database_user,
        )
        redis = Redis(self, "redis", name=name("redis", max_length=40), network=network, settings=settings.redis)
        table = Table(
            self,
            "table",
            name=settings.dynamodb.name,
            hash_key=Key(settings.dynamodb.partition_key, "S"),
            settings=settings.dynamodb,
        )
        load_balancer = LoadBalancer(
            self, "load_balancer", name=name("lb", max_length=32), network=network, settings=settings.load_balancer
        )

        # what runs
        web = Fleet(
            self,
            "web",
            name=name("web"),
            network=network,
            settings=settings.fleet,
            role_name=settings.role_name,
            log_roles=("application", "boot"),
            compressed_user_data=True,
            user_data=template_file(
                self,
                RUNTIME / "user_data.sh",
                region=self.region,
                bucket=bucket.name,
                release_prefix=RELEASES,
                server_port=str(settings.application.port),
                database_secret_arn=database.secret_arn,
                database_host=database.address,
                database_port=str(database.port),
                database_name=settings.application.database_name,
                redis_host=redis.endpoint,
                redis_port=str(redis.port),
                redis_secret_arn=redis.auth.arn if redis.auth else "",
                table=table.name,
                partition_key=settings.dynamodb.partition_key,
                app_log_group=log_group_name(name("web"), "application"),
                boot_log_group=log_group_name(name("web"), "boot"),
            ),
        )

        # who reaches what
        load_balancer.forward_to(web, port=settings.application.port, health_check=HealthCheck(path="/health"))
        if not settings.application.logs_page_public:
            ClosedPaths(self, "closed_paths", load_balancer=load_balancer, paths=["/logs", "/logs/*"])
        database.connections.allow_from(web)
        redis.connections.allow_from(web)
        database.grant_read_secret(web)
        if redis.auth:
            redis.auth.grant_read(web)
        bucket.grant_read(web)
        table.grant(web, actions=settings.dynamodb.actions)
        Alarms(
            self,
            "alarms",
            name=name("alarms"),
            settings=settings.alarms,
            watched=[load_balancer, web, database, redis, table],
        )

        self.offer(
            SuaiCloudAppOutputs(
                url=load_balancer.url,
                bucket=bucket.name,
                release_prefix=RELEASES,
                group=web.group_name,
                application_log_group=web.log_group_names["application"],
                boot_log_group=web.log_group_names["boot"],
                database_address=database.address,
                database_secret_arn=database.secret_arn,
                redis_endpoint=redis.endpoint,
                redis_group=redis.name,
                redis_secret_arn=redis.auth.arn if redis.auth else None,
                table=table.name,
            )
        )
