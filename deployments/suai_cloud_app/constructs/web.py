"""The instances that run the application, and the values they start with."""

from __future__ import annotations

from pathlib import Path

from deployments.suai_cloud_app.settings import SuaiCloudAppSettings
from modules.bucket import Bucket
from modules.database import Database
from modules.fleet import Fleet, log_group_name
from modules.mysql_user import MysqlUser
from modules.network import Network
from modules.redis import Redis
from modules.stack import DeploymentStack
from modules.table import Table
from modules.template import template_file

RELEASES = "releases/"
_USER_DATA = Path(__file__).parents[1] / "runtime" / "user_data.sh"


def web_fleet(
    stack: DeploymentStack,
    settings: SuaiCloudAppSettings,
    *,
    network: Network,
    bucket: Bucket,
    database: Database,
    user: MysqlUser,
    redis: Redis,
    table: Table,
) -> Fleet:
    """The Auto Scaling group; its instances hold no secret, only the ARNs of secrets."""
    name = stack.physical_name("web")
    return Fleet(
        stack,
        "web",
        name=name,
        network=network,
        settings=settings.fleet,
        role_name=settings.role_name,
        log_roles=("application", "boot"),
        compressed_user_data=True,
        user_data=template_file(
            stack,
            _USER_DATA,
            region=stack.region,
            bucket=bucket.name,
            release_prefix=RELEASES,
            server_port=str(settings.application.port),
            database_secret_arn=user.secret_arn,
            database_host=database.address,
            database_port=str(database.port),
            database_name=settings.application.database_name,
            redis_host=redis.endpoint,
            redis_port=str(redis.port),
            redis_secret_arn=redis.auth.arn if redis.auth else "",
            table=table.name,
            partition_key=settings.dynamodb.partition_key,
            app_log_group=log_group_name(name, "application"),
            boot_log_group=log_group_name(name, "boot"),
        ),
    )
