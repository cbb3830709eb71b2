"""The Beaver Contest: two PHP environments on Elastic Beanstalk, MySQL, three DynamoDB tables, static files."""

from __future__ import annotations

from cdktf import App

from config.environment import Environment
from config.types import ACCESS_LOGS
from deployments.beaver_contest.constructs.contest_database import ContestDatabase
from deployments.beaver_contest.constructs.contest_tables import ContestTables
from deployments.beaver_contest.constructs.web_environments import WebEnvironments
from deployments.beaver_contest.outputs import BeaverContestOutputs
from deployments.beaver_contest.settings import BeaverContestSettings
from deployments.beaver_contest.static_files import CONTESTS, NEVER_PUBLIC, NEVER_PUBLIC_BY_POLICY, PRESIGNED
from modules.alarms import Alarms
from modules.bucket import Bucket
from modules.key_age import KeyAge
from modules.network import Network
from modules.secret import Secret
from modules.service_user import ServiceUser
from modules.stack import DeploymentStack
from modules.static_site import StaticSite
from modules.watches.watch import Watchable


class BeaverContestStack(DeploymentStack):
    """The document's infrastructure; what it leaves open is closed."""

    def __init__(self, scope: App, *, environment: Environment, settings: BeaverContestSettings) -> None:
        super().__init__(scope, deployment="beaver-contest", environment=environment, settings=settings)
        name, bucket = self.physical_name, settings.releases.bucket_name

        # what lasts
        network = Network(self, "network", name=name("network"), settings=settings.network)
        logs = Bucket.for_access_logs(self, "access_logs", name=f"{bucket}{ACCESS_LOGS}")
        releases = Bucket(self, "releases", name=bucket, access_log_bucket=logs)
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
        contest_database = ContestDatabase(self, settings, network)
        database, user = contest_database.instance, contest_database.user
        tables = ContestTables(self, settings)
        key = Secret(
            self, "key", name=name("key"), description="The PHP code's AWS access key: JSON with key and secret"
        )
        tasks_password = Secret(
            self,
            "tasks_password",
            name=name("tasks-password"),
            description="Who may read teacherInterface/beaver_tasks: the lines of an htpasswd file",
        )

        # what runs
        php = ServiceUser(
            self,
            "php",
            name=name("php"),
            reason="The PHP code passes an explicit key to every AWS client, and no session token as a role would need",
        )
        web = WebEnvironments(
            self,
            settings,
            releases=releases,
            network=network,
            database=database,
            user=user,
            static=static,
            key=key,
            tasks_password=tasks_password,
            access_log_bucket=logs,
        )
        key_age = KeyAge(self, "key_age", secret=key, rotated_by="quintet beaver rotate-key")
        watched: list[Watchable] = [*web.both, database, user, *tables.all, key_age]
        Alarms(self, "alarms", name=name("alarms"), settings=settings.alarms, watched=watched)

        # who reaches what
        for php_server in web.both:
            database.connections.allow_from(php_server)
            user.grant_read(php_server)
            key.grant_read(php_server)
            key_age.grant_report(php_server)
        tasks_password.grant_read(web.admin)
        tables.grant(php, only_from_vpc=network.vpc_id)
        static.grant_publish(php, prefix=CONTESTS, only_from_vpc=network.vpc_id, presigned=PRESIGNED)

        self.offer(
            BeaverContestOutputs(
                admin_url=web.admin.url,
                contest_url=web.contest.url,
                static_url=static.url,
                application=web.application.name,
                admin_environment=web.admin.name,
                contest_environment=web.contest.name,
                releases_bucket=releases.name,
                static_bucket=static.bucket_name,
                static_access=settings.static.access,
                distribution_id=static.distribution_id or "",
                team_table=tables.team.name,
                team_question_table=tables.team_question.name,
                sessions_table=tables.sessions.name,
                database_address=database.address,
                database_port=str(database.port),
                database_name=database.database_name,
                database_secret_arn=database.secret_arn,
                database_user=user.name,
                database_user_secret_arn=user.secret_arn,
                database_user_function=user.function_name,
                database_security_group=database.connections.security_group_id,
                php_user=php.name,
                key_secret_arn=key.arn,
                tasks_password_secret_arn=tasks_password.arn,
            )
        )
