"""The two environments that run the contest's PHP code."""

from __future__ import annotations

from typing import Final

from deployments.beaver_contest.runtime.bundle import RELEASES, placeholder
from deployments.beaver_contest.settings import BeaverContestSettings
from modules.beanstalk_application import BeanstalkApplication
from modules.beanstalk_environment import BeanstalkEnvironment
from modules.bucket import Bucket
from modules.certificate import Certificate
from modules.database import Database
from modules.mysql_user import MysqlUser
from modules.network import Network
from modules.secret import Secret
from modules.stack import DeploymentStack
from modules.static_site import StaticSite

DOCUMENT_ROOTS = {"admin": "/teacherInterface", "contest": "/contestInterface"}


class WebEnvironments:
    """One application served from two folders, to teachers and to teams, with the same environment properties.

    Both share one certificate, which exists when either uses HTTPS. The properties become `config_local.php` when an
    instance starts; they hold no secret, only the ARNs of secrets.
    """

    def __init__(
        self,
        stack: DeploymentStack,
        settings: BeaverContestSettings,
        *,
        releases: Bucket,
        network: Network,
        database: Database,
        user: MysqlUser,
        static: StaticSite,
        key: Secret,
        tasks_password: Secret,
        access_log_bucket: Bucket,
    ) -> None:
        self.application: Final = BeanstalkApplication(
            stack,
            "application",
            name=stack.physical_name("application"),
            releases=releases,
            release_prefix=RELEASES,
            placeholder=placeholder(),
        )
        php, admin, contest = settings.application, settings.admin, settings.contest
        zone_id = settings.dns.zone_id
        certificate = (
            Certificate(stack, "certificate", host_names=[admin.host_name, contest.host_name], zone_id=zone_id)
            if admin.https or contest.https
            else None
        )
        properties = {
            "RDS_HOSTNAME": database.address,
            "RDS_PORT": str(database.port),
            "RDS_DB_NAME": php.database_name,
            "DATABASE_SECRET_ARN": user.secret_arn,
            "DATABASE_USE": php.database_use,
            "TABLE_PREFIX": php.table_prefix,
            "ITEM_TTL_SECONDS": str(php.item_ttl_seconds or ""),
            "AWS_KEY_SECRET_ARN": key.arn,
            "BEAVER_REGION": stack.region,
            "STATIC_BUCKET": static.bucket_name,
            "STATIC_URL": static.url,
            "GENERATION_MODE": php.generation_mode,
            "SESSION_LENGTH_SECONDS": str(php.session_length_seconds),
            "MAX_INPUT_VARS": str(php.max_input_vars),
            "TIMEZONE": php.timezone,
            "DEFAULT_LANGUAGE": php.default_language,
            "ADMIN_URL": f"{'https' if admin.https else 'http'}://{admin.host_name}",
            "CONTEST_URL": f"{'https' if contest.https else 'http'}://{contest.host_name}",
        }
        admin_environment, contest_environment = (
            BeanstalkEnvironment(
                stack,
                role,
                application=self.application,
                network=network,
                settings=environment,
                document_root=DOCUMENT_ROOTS[role],
                properties={
                    **properties,
                    "HTTPS_HOST": environment.host_name if environment.https else "",
                    # the tasks are below the folder of the teachers alone
                    "TASKS_PASSWORD_SECRET_ARN": tasks_password.arn if role == "admin" else "",
                },
                zone_id=zone_id,
                certificate_arn=certificate.arn if certificate else None,
                access_log_bucket=access_log_bucket,
            )
            for role, environment in (("admin", admin), ("contest", contest))
        )
        self.admin: Final[BeanstalkEnvironment] = admin_environment
        self.contest: Final[BeanstalkEnvironment] = contest_environment
        self.both: Final = (self.admin, self.contest)
