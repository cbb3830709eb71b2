"""The Beaver Contest: two PHP environments on Elastic Beanstalk, MySQL, three DynamoDB tables, static files."""

from __future__ import annotations

from collections.abc import Mapping

from cdktf import App

from config.environment import Environment
from deployments.beaver_contest.outputs import BeaverContestOutputs
from deployments.beaver_contest.runtime.bundle import RELEASES, placeholder
from deployments.beaver_contest.settings import BeaverContestSettings
from modules.alarms import Alarms
from modules.beanstalk_application import BeanstalkApplication
from modules.beanstalk_environment import BeanstalkEnvironment
from modules.bucket import Bucket
from modules.certificate import Certificate
from modules.database import Database
from modules.engines import MYSQL
from modules.network import Network
from modules.secret import Secret
from modules.service_user import ServiceUser
from modules.stack import DeploymentStack
from modules.static_site import StaticSite
from modules.table import Index, Key, Table

DOCUMENT_ROOTS = {"admin": "/teacherInterface", "contest": "/contestInterface"}
NEVER_PUBLIC = ("*_sols.html", "*.htaccess")
NEVER_PUBLIC_BY_POLICY = ("*_graders.html",)
CONTESTS = "contests/"
"""Below which the contest generator writes."""


class BeaverContestStack(DeploymentStack):
    """The document's infrastructure; what it leaves open is closed."""

    def __init__(self, scope: App, *, environment: Environment, settings: BeaverContestSettings) -> None:
        super().__init__(scope, deployment="beaver-contest", environment=environment, settings=settings)
        name = self.physical_name
        application_settings = settings.application
        prefix = application_settings.table_prefix
        item_ttl = "ttl" if application_settings.item_ttl_seconds else None

        network = Network(self, "network", name=name("network"), settings=settings.network)
        logs = Bucket.for_access_logs(self, "access_logs", name=f"{settings.releases.bucket_name}-access-logs")
        releases = Bucket(self, "releases", name=settings.releases.bucket_name, access_log_bucket=logs)
        static = StaticSite(
            self,
            "static",
            name=name("static"),
            zone_id=settings.dns.zone_id,
            settings=settings.static,
            access_log_bucket=logs,
            never_public=NEVER_PUBLIC,
            never_public_by_policy=NEVER_PUBLIC_BY_POLICY,
        )
        database = Database(
            self,
            "database",
            name=name("database"),
            network=network,
            engine=MYSQL,
            settings=settings.database,
            database_name=application_settings.database_name,
            username=application_settings.database_user,
            parameters={"log_bin_trust_function_creators": "1"},
        )
        team = Table(
            self,
            "team",
            name=f"{prefix}team",
            hash_key=Key("ID", "N"),
            indexes={"password-index": Index(Key("password", "S"))},
            ttl_attribute=item_ttl,
            settings=settings.team,
        )
        team_question = Table(
            self,
            "team_question",
            name=f"{prefix}team_question",
            hash_key=Key("teamID", "N"),
            range_key=Key("questionID", "N"),
            ttl_attribute=item_ttl,
            settings=settings.team_question,
        )
        sessions = Table(
            self,
            "sessions",
            name=f"{prefix}sessions",
            hash_key=Key("id", "S"),
            ttl_attribute="expires",
            settings=settings.sessions,
        )
        php = ServiceUser(
            self,
            "php",
            name=name("php"),
            reason="The PHP code passes an explicit key to every AWS client, and no session token as a role would need",
        )
        key_secret = Secret(
            self,
            "key",
            name=name("key"),
            description="The PHP code's AWS access key: JSON with key and secret",
        )
        tasks_secret = Secret(
            self,
            "tasks_password",
            name=name("tasks-password"),
            description="Who may read teacherInterface/beaver_tasks: the lines of an htpasswd file",
        )
        application = BeanstalkApplication(
            self,
            "application",
            name=name("application"),
            releases=releases,
            release_prefix=RELEASES,
            placeholder=placeholder(),
        )
        https = settings.admin.https or settings.contest.https
        certificate = (
            Certificate(
                self,
                "certificate",
                host_names=[settings.admin.host_name, settings.contest.host_name],
                zone_id=settings.dns.zone_id,
            )
            if https
            else None
        )
        properties: Mapping[str, str] = {
            "RDS_HOSTNAME": database.address,
            "RDS_PORT": str(database.port),
            "RDS_DB_NAME": application_settings.database_name,
            "DATABASE_SECRET_ARN": database.secret_arn,
            "DATABASE_USE": application_settings.database_use,
            "TABLE_PREFIX": prefix,
            "ITEM_TTL_SECONDS": str(application_settings.item_ttl_seconds or ""),
            "AWS_KEY_SECRET_ARN": key_secret.arn,
            "TASKS_PASSWORD_SECRET_ARN": tasks_secret.arn,
            "BEAVER_REGION": self.region,
            "STATIC_BUCKET": static.bucket_name,
            "STATIC_URL": static.url,
            "GENERATION_MODE": application_settings.generation_mode,
            "SESSION_LENGTH_SECONDS": str(application_settings.session_length_seconds),
            "MAX_INPUT_VARS": str(application_settings.max_input_vars),
            "TIMEZONE": application_settings.timezone,
            "DEFAULT_LANGUAGE": application_settings.default_language,
            "ADMIN_URL": f"{'https' if settings.admin.https else 'http'}://{settings.admin.host_name}",
            "CONTEST_URL": f"{'https' if settings.contest.https else 'http'}://{settings.contest.host_name}",
        }
        admin, contest = (
            BeanstalkEnvironment(
                self,
                role,
                application=application,
                network=network,
                settings=environment_settings,
                document_root=DOCUMENT_ROOTS[role],
                properties={**properties, "HTTPS_ONLY": "1" if environment_settings.https else ""},
                zone_id=settings.dns.zone_id,
                certificate_arn=certificate.arn if certificate else None,
                access_log_bucket=logs,
            )
            for role, environment_settings in (("admin", settings.admin), ("contest", settings.contest))
        )

        for web in (admin, contest):
            database.connections.allow_from(web)
            database.grant_read_secret(web)
            key_secret.grant_read(web)
            tasks_secret.grant_read(web)
        for table in (team, team_question, sessions):
            table.grant_read_write(php)
        static.grant_publish(php, prefix=CONTESTS)
        Alarms(
            self,
            "alarms",
            name=name("alarms"),
            settings=settings.alarms,
            watched=[admin, contest, database, team, team_question, sessions],
        )

        self.offer(
            BeaverContestOutputs(
                admin_url=admin.url,
                contest_url=contest.url,
                static_url=static.url,
                application=application.name,
                admin_environment=admin.name,
                contest_environment=contest.name,
                releases_bucket=releases.name,
                static_bucket=static.bucket_name,
                static_access=settings.static.access,
                distribution_id=static.distribution_id or "",
                team_table=team.name,
                team_question_table=team_question.name,
                sessions_table=sessions.name,
                database_address=database.address,
                database_port=str(database.port),
                database_name=database.database_name,
                database_secret_arn=database.secret_arn,
                database_security_group=database.connections.security_group_id,
                php_user=php.name,
                key_secret_arn=key_secret.arn,
                tasks_password_secret_arn=tasks_secret.arn,
            )
        )
