"""The SUAI Cloud App: an Auto Scaling group behind a load balancer, MySQL, Redis, DynamoDB and S3."""

from __future__ import annotations

from cdktf import App

from config.environment import Environment
from config.types import ACCESS_LOGS
from deployments.suai_cloud_app.constructs.web import RELEASES, web_fleet
from deployments.suai_cloud_app.outputs import SuaiCloudAppOutputs
from deployments.suai_cloud_app.settings import SuaiCloudAppSettings
from modules.alarms import Alarms
from modules.bucket import Bucket
from modules.closed_paths import ClosedPaths
from modules.database import Database
from modules.engines import MYSQL
from modules.load_balancer import HealthCheck, LoadBalancer
from modules.mysql_user import MysqlUser
from modules.network import Network
from modules.redis import Redis
from modules.stack import DeploymentStack
from modules.table import Key, Table


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
        user = MysqlUser(
            self,
            "database_user",
            name=name("database-user"),
            network=network,
            database=database,
            user=settings.application_user,
            rights=settings.application.database_rights,
        )
        web = web_fleet(
            self, settings, network=network, bucket=bucket, database=database, user=user, redis=redis, table=table
        )

        # who reaches what
        load_balancer.forward_to(web, port=settings.application.port, health_check=HealthCheck(path="/health"))
        if not settings.application.logs_page_public:
            ClosedPaths(self, "closed_paths", load_balancer=load_balancer, paths=["/logs", "/logs/*"])
        database.connections.allow_from(web)
        redis.connections.allow_from(web)
        user.grant_read(web)
        if redis.auth:
            redis.auth.grant_read(web)
        bucket.grant_read(web)
        table.grant(web, actions=settings.dynamodb.actions)
        Alarms(
            self,
            "alarms",
            name=name("alarms"),
            settings=settings.alarms,
            watched=[load_balancer, web, database, user, redis, table],
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
                database_name=database.database_name,
                database_user=user.name,
                database_user_secret_arn=user.secret_arn,
                database_user_function=user.function_name,
                redis_endpoint=redis.endpoint,
                redis_group=redis.name,
                redis_secret_arn=redis.auth.arn if redis.auth else None,
                table=table.name,
            )
        )
