"""The SUAI Cloud App: an Auto Scaling group behind a load balancer, MySQL, Redis, DynamoDB and S3."""

from __future__ import annotations

from pathlib import Path

from cdktf import App

from config.environment import Environment
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

        network = Network(self, "network", name=name("network"), settings=settings.network)
        access_logs = Bucket.for_access_logs(self, "access_logs", name=f"{settings.bucket.name}-access-logs")
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
            self,
            "load_balancer",
            name=name("lb", max_length=32),
            network=network,
            settings=settings.load_balancer,
        )
        web = Fleet(
            self,
            "web",
            name=name("web"),
            network=network,
            settings=settings.fleet,
            role_name=settings.role_name,
            log_roles=("application", "boot"),
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
                table=table.name,
                partition_key=settings.dynamodb.partition_key,
                app_log_group=log_group_name(name("web"), "application"),
                boot_log_group=log_group_name(name("web"), "boot"),
            ),
        )

        load_balancer.forward_to(web, port=settings.application.port, health_check=HealthCheck(path="/health"))
        if not settings.application.logs_page_public:
            ClosedPaths(self, "closed_paths", load_balancer=load_balancer, paths=["/logs", "/logs/*"])
        database.connections.allow_from(web)
        redis.connections.allow_from(web)
        database.grant_read_secret(web)
        bucket.grant_read(web)
        table.grant_read_write(web)
        Alarms(
            self,
            "alarms",
            name=name("alarms"),
            settings=settings.alarms,
            watched=[load_balancer, web, database, redis, table],
        )

        self.output("url", load_balancer.url, description="Where the application answers")
        self.output("bucket", bucket.name, description="Where the application is published")
        self.output("release_prefix", RELEASES, description="Below which releases stand in the bucket")
        self.output("group", web.group_name, description="The Auto Scaling group that runs the application")
        self.output(
            "application_log_group", web.log_group_names["application"], description="Where output.log is collected"
        )
        self.output(
            "boot_log_group",
            web.log_group_names["boot"],
            description="Where the log of instances' first boot is collected",
        )
        self.output("database_address", database.address, description="MySQL, from inside the network")
        self.output("database_secret_arn", database.secret_arn, description="The database's master user and password")
        self.output("redis_endpoint", redis.endpoint, description="Redis, from inside the network")
        self.output("table", table.name, description="The DynamoDB table")
